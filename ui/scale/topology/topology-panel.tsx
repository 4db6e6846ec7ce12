/** Beside the graph: what is selected, what hangs together with it, and the tenants of a shard, a page at a time. */
import { Button, CloseButton } from '@mantine/core';
import { IconChevronLeft, IconChevronRight } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import type { ServiceKind } from '#contract/placement-record.ts';
import { listPlacements } from '#contract/scale.ts';
import { useEndpoint } from '#ui/api/queries.ts';
import { formatTotal, plural, sentence } from '#ui/patterns/format.ts';
import { LoadBar } from '#ui/patterns/load-bar.tsx';
import { Mono } from '#ui/patterns/middle-truncate.tsx';
import { ProblemAlert } from '#ui/patterns/problem-alert.tsx';
import { StatusPill } from '#ui/patterns/status-pill.tsx';
import { HostLink, NodeLink, ServiceLink } from '../fleet-links.tsx';
import { byName, COLUMNS, type Thing } from './topology-rules.ts';
import classes from './topology-panel.module.css';

export function TopologyPanel({
  thing,
  environment,
  path,
  things,
  onSelect,
}: {
  thing: Thing;
  environment: string;
  path: ReadonlySet<string>;
  things: readonly Thing[];
  onSelect: (key: string | null) => void;
}) {
  const related = things.filter(({ key }) => key !== thing.key && path.has(key));
  return (
    <aside className={classes.panel} aria-label={`${sentence(thing.type)} ${thing.name}`}>
      <header className={classes.header}>
        <span>
          <span className={classes.type}>{thing.type}</span>
          <h2 className={classes.title}>
            <Mono>{thing.name}</Mono>
          </h2>
        </span>
        <CloseButton size="sm" aria-label="Clear the selection" onClick={() => onSelect(null)} />
      </header>
      <div className={classes.facts}>
        {thing.status && <StatusPill of={thing.status.of} status={thing.status.value as never} />}
        {thing.ratio !== null && <LoadBar ratio={thing.ratio} label="Tenants" />}
        {thing.detail !== null && (
          <span className={classes.quiet}>
            {thing.type === 'node' && 'holds '}
            {thing.detail}
            {thing.type === 'shard' ? ' tenants' : thing.type === 'service' ? ' replicas' : ''}
          </span>
        )}
        <Way thing={thing} environment={environment} />
      </div>
      {COLUMNS.map((type) => {
        const own = related.filter((one) => one.type === type).toSorted((a, b) => byName(a.name, b.name));
        return (
          own.length > 0 && (
            <section key={type}>
              <h3 className={classes.heading}>{plural(own.length, type)}</h3>
              <ul className={classes.related}>
                {own.map((one) => (
                  <li key={one.key}>
                    <button type="button" className={classes.thing} onClick={() => onSelect(one.key)}>
                      <Mono>{one.name}</Mono>
                      {one.status && <StatusPill of={one.status.of} status={one.status.value as never} />}
                    </button>
                  </li>
                ))}
              </ul>
            </section>
          )
        );
      })}
      {thing.type === 'shard' && (
        <ShardTenants key={thing.key} service={thing.group} shard={thing.name} environment={environment} />
      )}
    </aside>
  );
}

/** To the page of what is selected. */
function Way({ thing: { type, id, name, group }, environment }: { thing: Thing; environment: string }) {
  switch (type) {
    case 'host':
      return (
        <HostLink host_id={id} environment={environment} className={classes.way}>
          Open the host
        </HostLink>
      );
    case 'service':
      return (
        <ServiceLink service_id={id} environment={environment} className={classes.way}>
          Open the service
        </ServiceLink>
      );
    case 'node':
      return (
        <NodeLink node_id={id} environment={environment} className={classes.way}>
          Open the node
        </NodeLink>
      );
    case 'shard':
      return (
        <Link
          to="/scale/placements"
          search={{ env: environment, service: group, shard: name }}
          className={classes.way}
        >
          Open its placements
        </Link>
      );
  }
}

const TENANTS = 20;
const NOUN = { one: 'tenant', many: 'tenants' };

function ShardTenants({
  service,
  shard,
  environment,
}: {
  service: string;
  shard: string;
  environment: string;
}) {
  const [cursors, setCursors] = useState<readonly string[]>([]);
  const cursor = cursors.at(-1);
  const { data, error, isPlaceholderData, refetch } = useEndpoint(listPlacements, {
    query: {
      environment,
      service: service as ServiceKind,
      shard,
      limit: TENANTS,
      ...(cursor !== undefined && { cursor }),
    },
  });
  return (
    <section>
      <h3 className={classes.heading}>{data ? formatTotal(data.total, NOUN) : 'Tenants'}</h3>
      <ProblemAlert error={error} onRetry={() => void refetch()} />
      {!data && !error && <div className={classes.bones} aria-busy aria-label="Loading" />}
      {data?.items.length === 0 && <p className={classes.quiet}>No tenant is placed on it.</p>}
      <ul className={classes.related} data-dimmed={isPlaceholderData || undefined}>
        {data?.items.map(({ tenant_id, state }) => (
          <li key={tenant_id}>
            <Link to="/tenants/$tenant_id" params={{ tenant_id }} className={classes.thing}>
              <Mono>{tenant_id}</Mono>
              {state !== 'active' && <StatusPill of="placement" status={state} />}
            </Link>
          </li>
        ))}
      </ul>
      {(cursors.length > 0 || data?.next_cursor) && (
        <nav className={classes.paging} aria-label="Pages of tenants">
          <Button
            variant="default"
            size="compact-xs"
            leftSection={<IconChevronLeft size={13} />}
            disabled={cursors.length === 0}
            onClick={() => setCursors(cursors.slice(0, -1))}
          >
            Previous
          </Button>
          <Button
            variant="default"
            size="compact-xs"
            rightSection={<IconChevronRight size={13} />}
            disabled={!data?.next_cursor || isPlaceholderData}
            onClick={() => data?.next_cursor && setCursors([...cursors, data.next_cursor])}
          >
            Next
          </Button>
        </nav>
      )}
    </section>
  );
}

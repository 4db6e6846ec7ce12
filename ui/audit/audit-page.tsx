import { ActionIcon, Button, Menu, Tooltip } from '@mantine/core';
import { IconChevronLeft, IconChevronRight, IconClock, IconDownload, IconRefresh } from '@tabler/icons-react';
import { useNavigate } from '@tanstack/react-router';
import { AUDIT_OUTCOMES, listAuditEvents, type AuditEvent } from '#contract/audit.ts';
import { DEFAULT_LIMIT } from '#contract/common.ts';
import { useEndpoint } from '#ui/api/queries.ts';
import { useEnvironment } from '#ui/app/environment.tsx';
import { EmptyState } from '#ui/patterns/empty-state.tsx';
import { FilterBar } from '#ui/patterns/filter-bar.tsx';
import { formatTotal } from '#ui/patterns/format.ts';
import { Incomplete } from '#ui/patterns/list-page.tsx';
import { WHOLE_SLUG, WHOLE_UUID } from '#ui/patterns/list-search-rules.ts';
import { useListSearch, type ListFilter } from '#ui/patterns/list-search.ts';
import { PageHeader } from '#ui/patterns/page-header.tsx';
import { ProblemAlert } from '#ui/patterns/problem-alert.tsx';
import { StatusPill } from '#ui/patterns/status-pill.tsx';
import { useMemo } from 'react';
import { ACTION_PREFIXES, actionWords } from './action-words.ts';
import { download, eventsAsCsv, eventsAsJson } from './audit-export.ts';
import classes from './audit-page.module.css';
import { AuditTable } from './audit-table.tsx';

const ACTION: ListFilter = {
  type: 'one',
  name: 'action',
  label: 'Action',
  options: ACTION_PREFIXES.map((prefix) => ({ value: prefix, label: `${prefix}*` })),
};
const OUTCOME: ListFilter = {
  type: 'one',
  name: 'outcome',
  label: 'Outcome',
  options: AUDIT_OUTCOMES.map((outcome) => ({
    value: outcome,
    label: outcome,
    render: <StatusPill of="outcome" status={outcome} />,
  })),
};
const TYPED: readonly ListFilter[] = [
  { type: 'text', name: 'tenant_id', label: 'Tenant', placeholder: 'tenant id', whole: WHOLE_SLUG },
  { type: 'text', name: 'job_id', label: 'Job', placeholder: 'job id', whole: WHOLE_UUID },
  {
    type: 'text',
    name: 'impersonation_id',
    label: 'Impersonation',
    placeholder: 'impersonation id',
    whole: WHOLE_UUID,
  },
  { type: 'text', name: 'request_id', label: 'Request', placeholder: 'request id' },
  { type: 'time', name: 'from', label: 'From' },
  { type: 'time', name: 'to', label: 'To' },
];

export function AuditPage() {
  const { environments } = useEnvironment();
  const filters = useMemo<readonly ListFilter[]>(
    () => [
      { type: 'text', name: 'actor', label: 'Actor', placeholder: 'email or id' },
      { type: 'text', name: 'on_behalf_of', label: 'On behalf of', placeholder: 'email' },
      ACTION,
      OUTCOME,
      {
        type: 'one',
        name: 'environment',
        label: 'Environment',
        options: environments.map(({ environment }) => ({ value: environment, label: environment })),
      },
      ...TYPED,
    ],
    [environments],
  );
  const search = useListSearch(filters, undefined);
  const { data, error, isFetching, isPlaceholderData, refetch } = useEndpoint(listAuditEvents, {
    query: { limit: DEFAULT_LIMIT, ...search.query },
  });
  const events = data?.items ?? [];
  const action = search.values['action']?.[0];

  return (
    <div className={classes.page}>
      <PageHeader title="Audit Log">
        <ExportMenu events={events} />
      </PageHeader>
      <FilterBar filters={filters} search={search}>
        <TimePresets />
        {data && <span>{formatTotal(data.total, { one: 'event', many: 'events' })}</span>}
        <Tooltip label="Refresh">
          <ActionIcon size={28} aria-label="Refresh" loading={isFetching} onClick={() => void refetch()}>
            <IconRefresh size={15} />
          </ActionIcon>
        </Tooltip>
      </FilterBar>
      {action !== undefined && !action.endsWith('.') && (
        <p className={classes.exact}>
          Only the action “{actionWords(action)}” (<code>{action}</code>)
        </p>
      )}
      {search.incomplete.length > 0 && <Incomplete labels={search.incomplete} />}
      {error && (
        <ProblemAlert error={error} tone={data ? 'attention' : 'failing'} onRetry={() => void refetch()}>
          {data && <p>What you see below is the last answer.</p>}
        </ProblemAlert>
      )}
      {(data || !error) && (
        <AuditTable
          label="Audit Log"
          events={events}
          skeleton={data === undefined ? 14 : undefined}
          dimmed={error !== null || isPlaceholderData}
          empty={
            search.filtered ? (
              <EmptyState
                title="No event matches"
                hint="Nothing fits these filters together. Fewer of them, or a longer time, will show more."
              >
                <Button variant="default" onClick={search.clear}>
                  Clear filters
                </Button>
              </EmptyState>
            ) : (
              <EmptyState
                title="Nothing was recorded yet"
                hint="Every change, every denied attempt and every sign-in leaves an event here that nobody can alter or remove."
              />
            )
          }
        />
      )}
      {(search.cursor !== undefined || data?.next_cursor) && (
        <nav className={classes.paging} aria-label="Pages">
          <Button
            variant="default"
            size="compact-sm"
            leftSection={<IconChevronLeft size={14} />}
            disabled={search.cursor === undefined}
            onClick={search.previous}
          >
            Newer
          </Button>
          <Button
            variant="default"
            size="compact-sm"
            rightSection={<IconChevronRight size={14} />}
            disabled={!data?.next_cursor || isPlaceholderData}
            onClick={() => data?.next_cursor && search.next(data.next_cursor)}
          >
            Older
          </Button>
        </nav>
      )}
    </div>
  );
}

const MINUTE = 60_000;
const PRESETS: readonly [label: string, ms: number][] = [
  ['Last 15 minutes', 15 * MINUTE],
  ['Last hour', 60 * MINUTE],
  ['Last 24 hours', 24 * 60 * MINUTE],
  ['Last 7 days', 7 * 24 * 60 * MINUTE],
  ['Last 30 days', 30 * 24 * 60 * MINUTE],
];

/** Sets the start of the time range relative to now; the URL holds the moment, so that a link shows the same to everybody. */
function TimePresets() {
  const navigate = useNavigate();
  const since = (ms: number | null) =>
    void navigate({
      to: '.',
      search: (before) => ({
        ...before,
        from: ms === null ? undefined : new Date(Date.now() - ms).toISOString(),
        to: undefined,
        cursor: undefined,
      }),
      state: { cursors: [] },
    });
  return (
    <Menu width={180} withInitialFocusPlaceholder={false}>
      <Menu.Target>
        <Button variant="default" size="compact-sm" leftSection={<IconClock size={14} />}>
          Time
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        {PRESETS.map(([label, ms]) => (
          <Menu.Item key={label} onClick={() => since(ms)}>
            {label}
          </Menu.Item>
        ))}
        <Menu.Divider />
        <Menu.Item onClick={() => since(null)}>All time</Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}

function ExportMenu({ events }: { events: readonly AuditEvent[] }) {
  const name = () => `audit-${new Date().toISOString().slice(0, 19).replaceAll(':', '')}`;
  return (
    <Menu width={220} withInitialFocusPlaceholder={false}>
      <Menu.Target>
        <Button variant="default" leftSection={<IconDownload size={15} />} disabled={events.length === 0}>
          Export
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>The {events.length} events of this page</Menu.Label>
        <Menu.Item onClick={() => download(`${name()}.csv`, 'text/csv', eventsAsCsv(events))}>CSV</Menu.Item>
        <Menu.Item onClick={() => download(`${name()}.json`, 'application/json', eventsAsJson(events))}>
          JSON
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}

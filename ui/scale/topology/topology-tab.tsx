/** How an environment hangs together: hosts, services, nodes and shards as a graph; the tenants of a selected shard beside it. */
import { Checkbox, Select } from '@mantine/core';
import { IconSearch } from '@tabler/icons-react';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { useCallback, useMemo, useState } from 'react';
import { getTopology } from '#contract/fleet.ts';
import { useEndpoint } from '#ui/api/queries.ts';
import { EnvironmentBadge } from '#ui/app/environment-badge.tsx';
import { useEnvironment } from '#ui/app/environment.tsx';
import { oneValue } from '#ui/app/search-params.ts';
import { EmptyState } from '#ui/patterns/empty-state.tsx';
import { OBSERVED_REFETCH_MS, ObservedAge } from '#ui/patterns/observed-age.tsx';
import { ProblemAlert } from '#ui/patterns/problem-alert.tsx';
import { TopologyGraph } from './topology-graph.tsx';
import { layoutOf, type Group } from './topology-layout.ts';
import { TopologyPanel } from './topology-panel.tsx';
import { findThings, pathOf, thingsOf, tiesOf } from './topology-rules.ts';
import classes from './topology.module.css';

const FOUND = 12;

export function TopologyTab() {
  const { environment } = useEnvironment();
  const navigate = useNavigate();
  const at = oneValue(useSearch({ strict: false })['at']) ?? null;
  const [open, setOpen] = useState<ReadonlyMap<string, boolean>>(new Map());
  const [onlyPath, setOnlyPath] = useState(false);
  const { data, error, isPlaceholderData, refetch } = useEndpoint(
    getTopology,
    { query: { environment } },
    { refetchInterval: OBSERVED_REFETCH_MS },
  );

  const things = useMemo(() => (data ? thingsOf(data) : []), [data]);
  const ties = useMemo(() => (data ? tiesOf(data) : []), [data]);
  const selected = things.find(({ key }) => key === at) ?? null;
  const key = selected?.key ?? null;
  const path = useMemo(() => (data && key !== null ? pathOf(data, key) : null), [data, key]);
  const layout = useMemo(
    () => layoutOf(things, ties, { open, path, onlyPath }),
    [things, ties, open, path, onlyPath],
  );
  const select = useCallback(
    (next: string | null) =>
      void navigate({ to: '.', search: (before) => ({ ...before, at: next ?? undefined }), replace: true }),
    [navigate],
  );
  const toggle = useCallback(
    (group: Group) => setOpen((before) => new Map(before).set(group.key, group.collapsed)),
    [],
  );

  if (!data)
    return error ? (
      <ProblemAlert error={error} onRetry={() => void refetch()} />
    ) : (
      <div className={classes.bones} aria-busy aria-label="Loading">
        {[3, 4, 6, 5].map((cards, column) => (
          <div key={column}>
            {Array.from({ length: cards }, (_, card) => (
              <span key={card} />
            ))}
          </div>
        ))}
      </div>
    );
  if (things.length === 0)
    return (
      <EmptyState
        title={`Nothing is known of ${environment}`}
        hint="Neither its orchestrator nor its nodes have been observed yet."
      />
    );
  return (
    <div className={classes.page}>
      {error && (
        <ProblemAlert error={error} tone="attention" onRetry={() => void refetch()}>
          <p>What you see below is the last answer.</p>
        </ProblemAlert>
      )}
      <div className={classes.bar}>
        <EnvironmentBadge environment={data.environment} />
        <Select
          searchable
          clearable
          aria-label="Find a host, service, node or shard"
          placeholder="Find a host, service, node or shard"
          leftSection={<IconSearch size={15} />}
          data-page-search
          w={300}
          value={key}
          onChange={select}
          data={things.map((thing) => ({ value: thing.key, label: thing.name }))}
          filter={({ search }) =>
            findThings(things, search, FOUND).map((thing) => ({ value: thing.key, label: thing.name }))
          }
          limit={FOUND}
          nothingFoundMessage="Nothing is called so"
          renderOption={({ option }) => (
            <span className={classes.option}>
              <span>{option.label}</span>
              <span>{option.value.split(' ', 1)[0]}</span>
            </span>
          )}
        />
        <Checkbox
          size="xs"
          label="Only what hangs together with the selection"
          checked={onlyPath}
          disabled={selected === null}
          onChange={(event) => setOnlyPath(event.currentTarget.checked)}
        />
        <span className={classes.observed}>
          <ObservedAge observation={data.observation} />
        </span>
      </div>
      <div className={classes.body} data-dimmed={error !== null || isPlaceholderData || undefined}>
        <TopologyGraph
          key={data.environment}
          label={`Topology of ${data.environment}`}
          layout={layout}
          selected={key}
          path={path}
          onSelect={select}
          onToggle={toggle}
        />
        {selected && path && (
          <TopologyPanel
            thing={selected}
            environment={data.environment}
            path={path}
            things={things}
            onSelect={select}
          />
        )}
      </div>
    </div>
  );
}

import { useMemo, useState } from 'react';
import { listEndpoints, type EndpointAccess } from '#contract/iam.ts';
import { useEndpoint } from '#ui/api/queries.ts';
import { DataTable, type Column } from '#ui/patterns/data-table.tsx';
import { EmptyState } from '#ui/patterns/empty-state.tsx';
import { SearchBox } from '#ui/patterns/filter-bar.tsx';
import { plural } from '#ui/patterns/format.ts';
import { Mono } from '#ui/patterns/middle-truncate.tsx';
import { ProblemAlert } from '#ui/patterns/problem-alert.tsx';
import classes from './permission-table.module.css';

const STEP_UP = { none: '—', recent: 'within 5 minutes', bound: 'for this very request' } as const;

function whereOf({ permission, scope, scope_fields }: EndpointAccess): string {
  if (permission === 'public' || permission === 'authenticated') return '—';
  if (scope === 'platform') return 'everywhere';
  if (scope === 'filtered') return 'anywhere, narrowed to it';
  return scope_fields.join(', ');
}

const COMMON_PREFIX = '/admin/v1';

const COLUMNS: readonly Column<EndpointAccess>[] = [
  { id: 'method', header: 'Method', width: 80, cell: ({ method }) => <Mono>{method}</Mono> },
  {
    id: 'path',
    header: 'Path',
    hint: `After ${COMMON_PREFIX}`,
    grow: true,
    cell: ({ path, summary }) => (
      <span title={`${path}: ${summary}`}>
        <Mono>{path.slice(COMMON_PREFIX.length)}</Mono>
      </span>
    ),
  },
  { id: 'permission', header: 'Permission', width: 180, cell: ({ permission }) => <Mono>{permission}</Mono> },
  { id: 'scope', header: 'Has to be held', hint: 'Where the grant has to apply', cell: whereOf },
  {
    id: 'step_up',
    header: 'Confirms who you are',
    hint: 'Whether it asks for the password or another factor again',
    cell: ({ step_up }) => STEP_UP[step_up],
  },
];

/** Every endpoint of the API: which permission it needs, where it has to be held, and whether it asks who you are again. */
export function EndpointTable() {
  const endpoints = useEndpoint(listEndpoints);
  const [text, setText] = useState('');
  const rows = useMemo(() => {
    const wanted = text.trim().toLowerCase();
    return (endpoints.data?.items ?? [])
      .filter(({ method, path, permission, summary }) =>
        `${method} ${path} ${permission} ${summary}`.toLowerCase().includes(wanted),
      )
      .toSorted((one, other) => one.path.localeCompare(other.path));
  }, [endpoints.data, text]);
  return (
    <div className={classes.page}>
      <div className={classes.bar}>
        <SearchBox value={text} onChange={setText} placeholder="Search paths and permissions" />
        <span className={classes.quiet}>{endpoints.data && plural(rows.length, 'endpoint')}</span>
      </div>
      {endpoints.error && <ProblemAlert error={endpoints.error} onRetry={() => void endpoints.refetch()} />}
      {(endpoints.data || !endpoints.error) && (
        <DataTable
          label="Endpoints"
          columns={COLUMNS}
          rows={rows}
          rowId={({ id }) => id}
          skeleton={endpoints.data === undefined ? 14 : undefined}
          empty={<EmptyState title="No endpoint matches" hint="Search by its path, method or permission." />}
        />
      )}
    </div>
  );
}

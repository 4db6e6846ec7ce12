import { Tooltip } from '@mantine/core';
import { TOKEN_STATES, type ApiToken } from '#contract/iam.ts';
import { useNow } from '#ui/patterns/clock.ts';
import type { Column } from '#ui/patterns/data-table.tsx';
import type { ListFilter } from '#ui/patterns/list-search.ts';
import { Mono } from '#ui/patterns/middle-truncate.tsx';
import { RelativeTime } from '#ui/patterns/relative-time.tsx';
import { StatusPill } from '#ui/patterns/status-pill.tsx';
import { ScopeLabel } from './scope-label.tsx';
import classes from './token-columns.module.css';

const SOON_MS = 7 * 24 * 3600_000;

/** When a token ends; amber in the last week, because what uses it will stop. */
function Expiry({ token: { expires_at, state } }: { token: ApiToken }) {
  const left = Date.parse(expires_at) - useNow();
  const works = state === 'active' || state === 'retiring';
  return (
    <span data-soon={(works && left < SOON_MS) || undefined} className={classes.expiry}>
      <RelativeTime iso={expires_at} />
    </span>
  );
}

/** Which token it took the place of, and which took its own. */
function Rotation({ token: { rotated_from, rotated_to } }: { token: ApiToken }) {
  if (rotated_from === null && rotated_to === null) return '—';
  return (
    <span className={classes.rotation}>
      {rotated_from && (
        <span>
          from <Mono>{rotated_from.prefix}…</Mono>
        </span>
      )}
      {rotated_to && (
        <span>
          to <Mono>{rotated_to.prefix}…</Mono>
        </span>
      )}
    </span>
  );
}

export const TOKEN_COLUMNS: readonly Column<ApiToken>[] = [
  {
    id: 'name',
    header: 'Token',
    width: 200,
    grow: true,
    cell: ({ name, prefix }) => (
      <span className={classes.token}>
        <b>{name}</b>
        <span className={classes.prefix}>
          <Mono>{prefix}…</Mono>
        </span>
      </span>
    ),
  },
  { id: 'state', header: 'State', cell: ({ state }) => <StatusPill of="token" status={state} /> },
  {
    id: 'user',
    header: 'Acts as',
    cell: ({ user_email }) => (
      <span className={classes.owner} title={user_email}>
        {user_email}
      </span>
    ),
  },
  {
    id: 'permissions',
    header: 'Permissions',
    cell: ({ permissions }) => (
      <Tooltip label={permissions.join(', ')}>
        <span className={classes.permissions}>
          <Mono>{permissions[0] ?? ''}</Mono>
          {permissions.length > 1 && <span className={classes.prefix}>+{permissions.length - 1}</span>}
        </span>
      </Tooltip>
    ),
  },
  { id: 'scope', header: 'Where', cell: (token) => <ScopeLabel scope={token} /> },
  {
    id: 'last_used_at',
    header: 'Last used',
    cell: ({ last_used_at }) => <RelativeTime iso={last_used_at} missing="Never used" />,
  },
  { id: 'expires_at', header: 'Expires', sort: 'expires_at', cell: (token) => <Expiry token={token} /> },
  { id: 'rotation', header: 'Rotated', cell: (token) => <Rotation token={token} /> },
  {
    id: 'created_at',
    header: 'Created',
    sort: 'created_at',
    cell: ({ created_at, created_by }) => (
      <span title={created_by === null ? undefined : `by ${created_by}`}>
        <RelativeTime iso={created_at} />
      </span>
    ),
  },
];

/** On the page of whom they act as. */
export const OWN_TOKEN_COLUMNS = TOKEN_COLUMNS.filter(({ id }) => id !== 'user').map(
  ({ sort: _, ...column }) => column,
);

export const TOKEN_FILTERS: readonly ListFilter[] = [
  {
    type: 'one',
    name: 'state',
    label: 'State',
    options: TOKEN_STATES.map((state) => ({
      value: state,
      label: state,
      render: <StatusPill of="token" status={state} />,
    })),
  },
];

import { Tooltip } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { SESSION_STATES, type Session } from '#contract/iam.ts';
import type { Column } from '#ui/patterns/data-table.tsx';
import type { ListFilter } from '#ui/patterns/list-search.ts';
import { MiddleTruncate } from '#ui/patterns/middle-truncate.tsx';
import { RelativeTime } from '#ui/patterns/relative-time.tsx';
import { StatusPill, Tag } from '#ui/patterns/status-pill.tsx';
import { deviceName } from './device-name.ts';
import classes from './session-columns.module.css';

const USER: Column<Session> = {
  id: 'user',
  header: 'User',
  width: 240,
  grow: true,
  cell: ({ user_id, user_email, end_user_id, tenant_id, current }) => (
    <span className={classes.line}>
      {user_id === null ? (
        <span className={classes.link}>
          {end_user_id} of {tenant_id}
        </span>
      ) : (
        <Link to="/users/$user_id" params={{ user_id }} className={classes.link}>
          {user_email}
        </Link>
      )}
      {current && <Tag tone="progress">this session</Tag>}
    </span>
  ),
};

const STATE: Column<Session> = {
  id: 'state',
  header: 'State',
  cell: ({ state, ended_reason }) =>
    ended_reason === null ? (
      <StatusPill of="session" status={state} />
    ) : (
      <Tooltip label={ended_reason}>
        <span>
          <StatusPill of="session" status={state} />
        </span>
      </Tooltip>
    ),
};

const DEVICE: Column<Session> = {
  id: 'device',
  header: 'Device',
  cell: ({ user_agent, current }) => (
    <span className={classes.line}>
      <Tooltip label={user_agent}>
        <span>{deviceName(user_agent)}</span>
      </Tooltip>
      {current && <Tag tone="progress">this session</Tag>}
    </span>
  ),
};

const REST: readonly Column<Session>[] = [
  {
    id: 'ip',
    header: 'Address',
    cell: ({ ip }) => <MiddleTruncate text={ip} keep={7} label="Copy address" />,
  },
  {
    id: 'created_at',
    header: 'Signed in',
    sort: 'created_at',
    cell: ({ created_at }) => <RelativeTime iso={created_at} />,
  },
  {
    id: 'last_seen_at',
    header: 'Last seen',
    sort: 'last_seen_at',
    cell: ({ last_seen_at }) => <RelativeTime iso={last_seen_at} />,
  },
  {
    id: 'ends',
    header: 'Ends',
    hint: 'When it expires, or when it ended',
    cell: ({ ended_at, expires_at }) => <RelativeTime iso={ended_at ?? expires_at} />,
  },
];

/** Columns of all sessions. */
export const SESSION_COLUMNS: readonly Column<Session>[] = [
  USER,
  STATE,
  {
    ...DEVICE,
    cell: ({ user_agent }) => (
      <Tooltip label={user_agent}>
        <span>{deviceName(user_agent)}</span>
      </Tooltip>
    ),
  },
  ...REST,
];

/** Columns of the sessions of one user, where the device tells them apart. */
export const OWN_SESSION_COLUMNS: readonly Column<Session>[] = [
  { ...DEVICE, width: 240, grow: true },
  STATE,
  ...REST,
];

export const SESSION_FILTERS: readonly ListFilter[] = [
  {
    type: 'one',
    name: 'state',
    label: 'State',
    options: SESSION_STATES.map((state) => ({
      value: state,
      label: state,
      render: <StatusPill of="session" status={state} />,
    })),
  },
];

import type { Session } from '#contract/iam.ts';
import type { Column } from '#ui/patterns/data-table.tsx';
import { Hint } from '#ui/patterns/hint.tsx';
import { MiddleTruncate } from '#ui/patterns/middle-truncate.tsx';
import { RelativeTime } from '#ui/patterns/relative-time.tsx';
import { StatusPill } from '#ui/patterns/status-pill.tsx';
import classes from './session-columns.module.css';
import { ClientTag, ThisSession } from './session-marks.tsx';
import { deviceOf, ownerName, SOURCE_NAMES } from './session-words.ts';

const OWNER: Column<Session> = {
  id: 'user',
  header: 'User',
  hint: 'A user of the control plane by email, an end user of a tenant by the tenant’s own name for them',
  width: 200,
  grow: true,
  cell: (session) => (
    <span className={classes.line}>
      <span className={classes.owner}>{ownerName(session)}</span>
      <ThisSession {...session} />
    </span>
  ),
};

const WHERE: Column<Session> = {
  id: 'where',
  header: 'Of',
  hint: 'The control plane itself, or a tenant in an environment, whose Gateway keeps the session',
  cell: ({ source, tenant_id, environment }) =>
    source === 'control' ? (
      <span className={classes.quiet}>{SOURCE_NAMES.control}</span>
    ) : (
      <>
        {tenant_id} <span className={classes.quiet}>· {environment}</span>
      </>
    ),
};

const STATE: Column<Session> = {
  id: 'state',
  header: 'State',
  cell: ({ state, ended_reason }) =>
    ended_reason === null ? (
      <StatusPill of="session" status={state} />
    ) : (
      <Hint label={ended_reason}>
        <span>
          <StatusPill of="session" status={state} />
        </span>
      </Hint>
    ),
};

const REASON: Column<Session> = {
  id: 'ended_reason',
  header: 'Why it ended',
  wide: true,
  cell: ({ ended_reason }) =>
    ended_reason !== null && (
      <Hint label={ended_reason}>
        <span className={classes.reason}>{ended_reason}</span>
      </Hint>
    ),
};

const DEVICE: Column<Session> = {
  id: 'device',
  header: 'Device',
  cell: (session) => (
    <Hint label={session.user_agent || 'It named no device'}>
      <span className={classes.line}>
        {deviceOf(session)}
        <ClientTag {...session} />
      </span>
    </Hint>
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
    wide: true,
    cell: ({ ended_at, expires_at }) => <RelativeTime iso={ended_at ?? expires_at} />,
  },
];

const OBSERVED: Column<Session> = {
  id: 'observed_at',
  header: 'As of',
  hint: 'Up to when the Gateway’s sessions were followed; our own are as they are now',
  wide: true,
  cell: ({ source, observed_at }) =>
    source === 'control' ? (
      <span className={classes.quiet}>now</span>
    ) : (
      <RelativeTime iso={observed_at} missing="The Gateway was never observed" />
    ),
};

/** Columns of all sessions. */
export const SESSION_COLUMNS: readonly Column<Session>[] = [
  OWNER,
  WHERE,
  STATE,
  DEVICE,
  ...REST,
  REASON,
  OBSERVED,
];

/** Columns of the sessions of one user, where the device tells them apart. */
export const USER_SESSION_COLUMNS: readonly Column<Session>[] = [
  {
    ...DEVICE,
    width: 240,
    grow: true,
    cell: (session) => (
      <span className={classes.line}>
        <span className={classes.owner}>{deviceOf(session)}</span>
        <ClientTag {...session} />
        <ThisSession {...session} />
      </span>
    ),
  },
  STATE,
  ...REST,
  REASON,
];

/** Columns of the sessions of one tenant. */
export const TENANT_SESSION_COLUMNS: readonly Column<Session>[] = [
  { ...OWNER, header: 'End user', hint: 'By the tenant’s own name' },
  { id: 'environment', header: 'Environment', cell: ({ environment }) => environment },
  STATE,
  DEVICE,
  ...REST,
  REASON,
  OBSERVED,
];

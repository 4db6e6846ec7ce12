import { Link } from '@tanstack/react-router';
import { DETECTION_KINDS, DETECTION_STATES, type Detection } from '#contract/iam/detections.ts';
import type { Column } from '#ui/patterns/data-table.tsx';
import { Unknown } from '#ui/patterns/figure.tsx';
import { formatCount } from '#ui/patterns/format.ts';
import type { ListFilter } from '#ui/patterns/list-search.ts';
import { MiddleTruncate } from '#ui/patterns/middle-truncate.tsx';
import { RelativeTime } from '#ui/patterns/relative-time.tsx';
import { StatusPill } from '#ui/patterns/status-pill.tsx';
import classes from './detection-columns.module.css';
import { DETECTION_NAMES } from './detection-words.ts';

const WHAT: Column<Detection> = {
  id: 'what',
  header: 'What happened',
  width: 420,
  grow: true,
  cell: ({ kind, summary }) => (
    <span className={classes.what}>
      <span className={classes.kind}>{DETECTION_NAMES[kind]}</span>
      <span className={classes.summary} title={summary}>
        {summary}
      </span>
    </span>
  ),
};

const REST: readonly Column<Detection>[] = [
  {
    id: 'ip',
    header: 'From',
    cell: ({ ip }) =>
      ip === null ? (
        <Unknown why="The address is not known" />
      ) : (
        <MiddleTruncate text={ip} keep={7} label="Copy address" />
      ),
  },
  { id: 'state', header: 'State', cell: ({ state }) => <StatusPill of="detection" status={state} /> },
  {
    id: 'count',
    header: 'Seen',
    align: 'right',
    hint: 'How often, while it was not resolved',
    cell: ({ count }) => `${formatCount(count)} ×`,
  },
  {
    id: 'last_seen_at',
    header: 'Last seen',
    sort: 'last_seen_at',
    cell: ({ last_seen_at }) => <RelativeTime iso={last_seen_at} />,
  },
  {
    id: 'first_seen_at',
    header: 'First seen',
    sort: 'first_seen_at',
    cell: ({ first_seen_at }) => <RelativeTime iso={first_seen_at} />,
  },
];

/** Columns of all detections. */
export const DETECTION_COLUMNS: readonly Column<Detection>[] = [
  WHAT,
  {
    id: 'who',
    header: 'Who',
    width: 200,
    cell: ({ user_id, user_email }) =>
      user_id === null ? (
        <Unknown why="It concerns no single user" />
      ) : (
        <Link to="/users/$user_id" params={{ user_id }} className={classes.who}>
          {user_email}
        </Link>
      ),
  },
  ...REST,
];

/** Columns of the detections of one user. */
export const USER_DETECTION_COLUMNS: readonly Column<Detection>[] = [WHAT, ...REST];

const KIND: ListFilter = {
  type: 'one',
  name: 'kind',
  label: 'Kind',
  options: DETECTION_KINDS.map((kind) => ({ value: kind, label: DETECTION_NAMES[kind] })),
};
const STATE: ListFilter = {
  type: 'one',
  name: 'state',
  label: 'State',
  options: DETECTION_STATES.map((state) => ({
    value: state,
    label: state,
    render: <StatusPill of="detection" status={state} />,
  })),
};

/** Of the detections in one state. */
export const DETECTION_FILTERS: readonly ListFilter[] = [
  KIND,
  { type: 'time', name: 'from', label: 'Seen from' },
  { type: 'time', name: 'to', label: 'to' },
];
/** Of the detections of one user. */
export const USER_DETECTION_FILTERS: readonly ListFilter[] = [STATE, KIND];

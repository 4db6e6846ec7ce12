import type { Host } from '#contract/fleet.ts';
import type { Column } from '#ui/patterns/data-table.tsx';
import { Unknown } from '#ui/patterns/figure.tsx';
import { Hint } from '#ui/patterns/hint.tsx';
import { LoadBar } from '#ui/patterns/load-bar.tsx';
import { ObservedAge } from '#ui/patterns/observed-age.tsx';
import { RelativeTime } from '#ui/patterns/relative-time.tsx';
import { StatusPill, Tag } from '#ui/patterns/status-pill.tsx';
import classes from './fleet.module.css';
import { usedOf } from './load-columns.tsx';
import { StateCell } from './state-cell.tsx';

export const hostId = ({ environment, host_id }: Host): string => `${environment} ${host_id}`;
export const hostLink = ({ host_id, environment }: Host) =>
  ({ to: '/scale/hosts/$host_id', params: { host_id }, search: { env: environment } }) as const;

/** What is used of what the machine has. */
export function Capacity({
  label,
  used,
  capacity,
  unit,
}: {
  label: string;
  used: number | null | undefined;
  capacity: number | null;
  unit: 'cores' | 'bytes';
}) {
  if (capacity !== null && (used === null || used === undefined))
    return (
      <span>
        <Unknown why="None of the nodes on it has said it" /> of {usedOf(null, capacity, unit)}
      </span>
    );
  const text = usedOf(used, capacity, unit);
  if (text === null) return <Unknown why="The orchestrator does not say it" />;
  const known = used !== null && used !== undefined && capacity !== null && capacity > 0;
  return (
    <span className={classes.capacity}>
      {known && <LoadBar ratio={used / capacity} label={label} />}
      <span>{text}</span>
    </span>
  );
}

export function Labels({ labels }: { labels: Record<string, string> }) {
  const all = Object.entries(labels).toSorted(([a], [b]) => a.localeCompare(b));
  const [first] = all;
  if (!first) return <Unknown why="It has no labels" />;
  return (
    <Hint
      label={
        <span className={classes.labelList}>
          {all.map(([name, value]) => (
            <span key={name}>
              {name}={value}
            </span>
          ))}
        </span>
      }
    >
      <span className={classes.labels}>
        {first[0]}={first[1]}
        {all.length > 1 && ` +${all.length - 1}`}
      </span>
    </Hint>
  );
}

export const HOST_COLUMNS: readonly Column<Host>[] = [
  { id: 'hostname', header: 'Host', sort: 'hostname', width: 120, cell: ({ hostname }) => hostname },
  {
    id: 'state',
    header: 'State',
    sort: 'state',
    width: 116,
    grow: true,
    cell: ({ state, since, problem }) => (
      <StateCell since={since} problem={problem}>
        <StatusPill of="host" status={state} />
      </StateCell>
    ),
  },
  {
    id: 'availability',
    header: 'Availability',
    width: 96,
    hint: 'Whether it takes tasks',
    cell: ({ availability }) => <StatusPill of="availability" status={availability} />,
  },
  {
    id: 'role',
    header: 'Role',
    width: 68,
    cell: ({ role, leader }) =>
      leader ? (
        <Hint label="The manager that leads">
          <span>
            <Tag>leader</Tag>
          </span>
        </Hint>
      ) : (
        role
      ),
  },
  {
    id: 'region',
    header: 'Region',
    width: 64,
    cell: ({ region }) => region ?? <Unknown why="It has no label region" />,
  },
  { id: 'labels', header: 'Labels', wide: true, width: 96, cell: ({ labels }) => <Labels labels={labels} /> },
  {
    id: 'tasks',
    header: 'Tasks',
    sort: 'tasks_running',
    align: 'right',
    width: 60,
    hint: 'Tasks that run on it',
    cell: ({ tasks_running }) => tasks_running,
  },
  {
    id: 'cpu',
    header: 'CPU',
    width: 108,
    hint: 'Cores in use by the nodes on it, of what the machine has',
    cell: ({ load, cpus }) => <Capacity label="CPU" used={load?.cpu_cores} capacity={cpus} unit="cores" />,
  },
  {
    id: 'memory',
    header: 'Memory',
    width: 132,
    hint: 'In use by the nodes on it, of what the machine has',
    cell: ({ load, memory_bytes }) => (
      <Capacity label="Memory" used={load?.memory_bytes} capacity={memory_bytes} unit="bytes" />
    ),
  },
  { id: 'engine', header: 'Engine', wide: true, width: 64, cell: ({ engine_version }) => engine_version },
  { id: 'since', header: 'Since', wide: true, width: 76, cell: ({ since }) => <RelativeTime iso={since} /> },
  {
    id: 'observed',
    header: 'Observed',
    width: 84,
    cell: ({ observation }) => <ObservedAge observation={observation} bare />,
  },
];

import { TASK_STATES, type Task } from '#contract/fleet.ts';
import type { Column } from '#ui/patterns/data-table.tsx';
import { Unknown } from '#ui/patterns/figure.tsx';
import { Hint } from '#ui/patterns/hint.tsx';
import type { ListFilter } from '#ui/patterns/list-search.ts';
import { Mono } from '#ui/patterns/middle-truncate.tsx';
import { ObservedAge } from '#ui/patterns/observed-age.tsx';
import { RelativeTime } from '#ui/patterns/relative-time.tsx';
import { StatusPill, Tag } from '#ui/patterns/status-pill.tsx';
import { statusLook } from '#ui/patterns/status-table.ts';
import { HostLink, NodeLink, ServiceLink } from './fleet-links.tsx';
import classes from './fleet.module.css';
import { ImageVersion } from './image-version.tsx';

const ENDED: readonly Task['state'][] = ['complete', 'shutdown', 'failed', 'rejected', 'remove', 'orphaned'];
const ended = (state: Task['state']): boolean => ENDED.includes(state);

export const taskId = ({ environment, task_id }: Task): string => `${environment} ${task_id}`;

const COLUMN = {
  service: {
    id: 'service',
    header: 'Service',
    sort: 'service_name',
    width: 132,
    cell: ({ service_id, service_name, environment }) => (
      <ServiceLink service_id={service_id} environment={environment} className={classes.strong}>
        {service_name}
      </ServiceLink>
    ),
  },
  slot: {
    id: 'slot',
    header: 'Slot',
    align: 'right',
    width: 48,
    hint: 'Number of the replica',
    cell: ({ slot }) => slot ?? <Unknown why="A service of one task a host has no slots" />,
  },
  state: {
    id: 'state',
    header: 'State',
    sort: 'state',
    width: 140,
    hint: 'What it is, and where the orchestrator wants it to go',
    cell: ({ state, desired_state }) => (
      <span className={classes.state}>
        <StatusPill of="task" status={state} />
        {desired_state !== state && !(ended(state) && ended(desired_state)) && (
          <span className={classes.quiet}>→ {statusLook('task', desired_state).word}</span>
        )}
      </span>
    ),
  },
  spec: {
    id: 'spec',
    header: 'Spec',
    width: 72,
    hint: 'Whether it runs what its service wants now',
    cell: ({ current }) => (current ? 'current' : <Tag tone="attention">earlier</Tag>),
  },
  host: {
    id: 'host',
    header: 'Host',
    width: 96,
    cell: ({ host_id, hostname, environment }) =>
      host_id === null ? (
        <Unknown why="No host has been found for it" />
      ) : (
        <HostLink host_id={host_id} environment={environment}>
          {hostname ?? <Mono>{host_id}</Mono>}
        </HostLink>
      ),
  },
  node: {
    id: 'node',
    header: 'Node',
    width: 96,
    cell: ({ node_id, environment }) =>
      node_id === null ? (
        <Unknown why="No platform node has answered from inside it" />
      ) : (
        <NodeLink node_id={node_id} environment={environment} />
      ),
  },
  message: {
    id: 'message',
    header: 'Orchestrator says',
    width: 120,
    grow: true,
    cell: ({ message, error }) => {
      const text = error ?? message;
      if (text === null) return <Unknown why="It says nothing about it" />;
      return (
        <Hint label={text}>
          <span className={error === null ? classes.quiet : classes.error}>{text}</span>
        </Hint>
      );
    },
  },
  image: {
    id: 'image',
    header: 'Version',
    wide: true,
    width: 140,
    cell: ({ image, digest }) => <ImageVersion image={image} digest={digest} />,
  },
  since: {
    id: 'since',
    header: 'Since',
    sort: 'since',
    width: 76,
    cell: ({ since }) => <RelativeTime iso={since} />,
  },
  observed: {
    id: 'observed',
    header: 'Observed',
    width: 84,
    cell: ({ observation }) => <ObservedAge observation={observation} bare />,
  },
} as const satisfies Record<string, Column<Task>>;

const { service, slot, state, spec, host, node, message, image, since, observed } = COLUMN;
export const TASK_COLUMNS: readonly Column<Task>[] = [
  service,
  slot,
  state,
  host,
  node,
  spec,
  image,
  message,
  since,
  observed,
];
/** On a service's page. */
export const SERVICE_TASK_COLUMNS: readonly Column<Task>[] = [
  slot,
  state,
  host,
  node,
  spec,
  image,
  message,
  since,
  observed,
];
/** On a host's page. */
export const HOST_TASK_COLUMNS: readonly Column<Task>[] = [
  service,
  slot,
  state,
  node,
  spec,
  image,
  message,
  since,
  observed,
];

export const TASK_NOUN = { one: 'task', many: 'tasks' };
export const TASK_FILTERS: readonly ListFilter[] = [
  {
    type: 'one',
    name: 'state',
    label: 'State',
    options: TASK_STATES.map((state) => ({
      value: state,
      label: state,
      render: <StatusPill of="task" status={state} />,
    })),
  },
  {
    type: 'one',
    name: 'wanted',
    label: 'Wanted',
    options: [
      { value: 'true', label: 'should run' },
      { value: 'false', label: 'should not run' },
    ],
  },
];

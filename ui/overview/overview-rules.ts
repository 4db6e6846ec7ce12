/** What the overview makes of what was observed: pure, so that "all quiet" is never said by accident. */
import type { Static } from 'typebox';
import type { Host, Service } from '#contract/fleet.ts';
import type { Alert } from '#contract/observability.ts';
import type { JobListItem } from '#contract/jobs.ts';
import type { EnvironmentSummary, Node } from '#contract/scale.ts';
import { isStale } from '#ui/patterns/observed-age.tsx';

type NodeRow = Static<typeof Node>;
type EnvironmentRow = Static<typeof EnvironmentSummary>;
type JobRow = Static<typeof JobListItem>;

/** One thing that is broken or needs a look. */
export interface Finding {
  id: string;
  tone: 'failing' | 'attention';
  /** What it is about, as the API names it. */
  subject: {
    type:
      | 'node'
      | 'host'
      | 'service'
      | 'orchestrator'
      | 'environment'
      | 'job'
      | 'tenants'
      | 'alert'
      | 'connections';
    id: string;
  };
  environment: string | null;
  title: string;
  detail: string;
  since: string | null;
}

const NODE_TONE: Record<NodeRow['state'], Finding['tone'] | null> = {
  ready: null,
  draining: null,
  not_ready: 'failing',
  unreachable: 'failing',
  lying: 'failing',
  unknown: 'attention',
};

function nodeFinding(node: NodeRow): Finding | null {
  const subject = { type: 'node', id: node.node_id } as const;
  const base = { id: `node ${node.environment} ${node.node_id}`, subject, environment: node.environment };
  const tone = NODE_TONE[node.state];
  const state = node.state.replaceAll('_', ' ');
  if (tone !== null)
    return {
      ...base,
      tone,
      title: `${node.node_id} is ${state}`,
      detail: node.problem ?? '',
      since: node.since,
    };
  if (node.storage?.ok === false)
    return {
      ...base,
      tone: 'failing',
      title: `The store of ${node.node_id} is not well`,
      detail: node.problem ?? '',
      since: node.since,
    };
  return null;
}

/** Nodes that were not observed lately, one finding an environment: what observes them fails for many at once. */
function staleFinding(environment: string, nodes: readonly NodeRow[], now: number): Finding | null {
  const own = nodes.filter((node) => node.environment === environment);
  const stale = own.filter((node) => nodeFinding(node) === null && isStale(node.observation, now));
  const [first] = stale.toSorted((a, b) => observedAt(a) - observedAt(b));
  if (!first) return null;
  const one = stale.length === 1;
  return {
    id: `stale ${environment}`,
    tone: 'attention',
    subject: one ? { type: 'node', id: first.node_id } : { type: 'environment', id: environment },
    environment,
    title: one
      ? `${first.node_id} was not observed lately`
      : `${stale.length} of ${own.length} nodes of ${environment} were not observed lately`,
    detail: 'What is shown of them may no longer hold',
    since: first.observation.observed_at,
  };
}

const observedAt = ({ observation }: NodeRow) =>
  observation.observed_at === null ? 0 : Date.parse(observation.observed_at);

function watcherFinding({ environment, watcher, observation }: EnvironmentRow): Finding | null {
  if (watcher.state === 'live') return null;
  return {
    id: `watcher ${environment}`,
    tone: watcher.state === 'down' ? 'failing' : 'attention',
    subject: { type: 'environment', id: environment },
    environment,
    title:
      watcher.state === 'down'
        ? `Placements of ${environment} are not watched`
        : `Placements of ${environment} are being read again`,
    detail: watcher.detail ?? '',
    since: observation.observed_at,
  };
}

function orchestratorFinding({ environment, orchestrator }: EnvironmentRow): Finding | null {
  if (orchestrator === null || orchestrator.state === 'live') return null;
  const down = orchestrator.state === 'down';
  return {
    id: `orchestrator ${environment}`,
    tone: down ? 'failing' : 'attention',
    subject: { type: 'orchestrator', id: environment },
    environment,
    title: down
      ? `The orchestrator of ${environment} is not followed`
      : `The orchestrator of ${environment} is being read again`,
    detail: orchestrator.detail ?? 'What is shown of hosts, services and tasks may no longer hold',
    since: orchestrator.observation.observed_at,
  };
}

const HOST_TONE: Record<Host['state'], Finding['tone'] | null> = {
  ready: null,
  down: 'failing',
  disconnected: 'failing',
  unknown: 'attention',
};

function hostFinding({ environment, host_id, hostname, state, problem, since }: Host): Finding | null {
  const tone = HOST_TONE[state];
  if (tone === null) return null;
  return {
    id: `host ${environment} ${host_id}`,
    tone,
    subject: { type: 'host', id: host_id },
    environment,
    title: `Host ${hostname} is ${state}`,
    detail: problem ?? '',
    since,
  };
}

const SERVICE_TONE: Record<Service['state'], Finding['tone'] | null> = {
  healthy: null,
  updating: null,
  degraded: 'attention',
  down: 'failing',
  paused: 'failing',
  rolled_back: 'attention',
  unknown: 'attention',
};

function serviceFinding({ environment, service_id, name, state, problem, since }: Service): Finding | null {
  const tone = SERVICE_TONE[state];
  if (tone === null) return null;
  return {
    id: `service ${environment} ${service_id}`,
    tone,
    subject: { type: 'service', id: service_id },
    environment,
    title:
      state === 'paused'
        ? `The update of ${name} is paused`
        : state === 'rolled_back'
          ? `The last change of ${name} was rolled back`
          : `Service ${name} is ${state}`,
    detail: problem ?? '',
    since,
  };
}

/** An environment without any node: nothing is known of it, which is not the same as well. */
function absentFinding({ environment, nodes, observation }: EnvironmentRow): Finding | null {
  if (nodes.total > 0) return null;
  return {
    id: `absent ${environment}`,
    tone: 'attention',
    subject: { type: 'environment', id: environment },
    environment,
    title: `No node of ${environment} has been observed`,
    detail: 'Nothing can be said of it',
    since: observation.observed_at,
  };
}

const jobFinding = (job: JobRow): Finding => ({
  id: `job ${job.job_id}`,
  tone: 'failing',
  subject: { type: 'job', id: job.job_id },
  environment: job.environment,
  title: `Stuck: ${job.title}`,
  detail: job.error?.message ?? job.current_step ?? '',
  since: job.started_at ?? job.created_at,
});

function degradedFinding(total: Total | null): Finding | null {
  if (total === null || total.count === 0) return null;
  const count = `${total.count.toLocaleString('en-US')}${total.exact ? '' : '+'}`;
  return {
    id: 'tenants degraded',
    tone: 'attention',
    subject: { type: 'tenants', id: 'degraded' },
    environment: null,
    title: total.count === 1 && total.exact ? '1 tenant is degraded' : `${count} tenants are degraded`,
    detail: 'Served, but not as it should be',
    since: null,
  };
}

/** What is known of the alerts of one environment. Where no alerting server is configured, nothing is claimed. */
export interface EnvironmentAlerts {
  environment: string;
  state: 'read' | 'failed' | 'not_configured' | 'unknown';
  alerts: readonly Alert[];
}

/** An alert that fires is broken as much as it calls somebody; one that is silenced or pending is not shown here. */
function alertFinding(environment: string, alert: Alert): Finding | null {
  const { alert_id, name, labels, state, severity, silenced, summary, active_since } = alert;
  if (state !== 'firing' || silenced || severity === 'info') return null;
  return {
    id: `alert ${environment} ${alert_id}`,
    tone: severity === 'page' ? 'failing' : 'attention',
    subject: { type: 'alert', id: alert_id },
    environment,
    title: `${name} in ${labels['env'] ?? environment}`,
    detail: summary,
    since: active_since,
  };
}

/** Alerts of what serves several environments, such as the control plane itself, are told by each of them, and named once. */
function alertFindings(observed: readonly EnvironmentAlerts[]): (Finding | null)[] {
  const findings = new Map<string, Finding | null>();
  for (const { environment, alerts } of observed)
    for (const alert of alerts) {
      const key = JSON.stringify([
        alert.name,
        Object.entries(alert.labels).toSorted(([a], [b]) => a.localeCompare(b)),
      ]);
      if (!findings.has(key)) findings.set(key, alertFinding(environment, alert));
    }
  return [...findings.values()];
}

const blindFinding = ({ environment, state }: EnvironmentAlerts): Finding | null =>
  state === 'failed'
    ? {
        id: `alerts ${environment}`,
        tone: 'attention',
        subject: { type: 'connections', id: environment },
        environment,
        title: `The alerts of ${environment} cannot be read`,
        detail: 'Whether any fires is not known',
        since: null,
      }
    : null;

interface Total {
  count: number;
  exact: boolean;
}

export interface Observed {
  nodes: readonly NodeRow[];
  environments: readonly EnvironmentRow[];
  hosts: readonly Host[];
  services: readonly Service[];
  stuck: readonly JobRow[];
  /** How many tenants are degraded; null = not known. */
  degraded: Total | null;
  alerts: readonly EnvironmentAlerts[];
}

/** Everything that is broken or needs a look: what fails first, then the longest-standing. */
export function findingsOf(observed: Observed, now: number): Finding[] {
  const findings = [
    ...observed.stuck.map(jobFinding),
    ...observed.environments.flatMap((one) => [
      watcherFinding(one),
      orchestratorFinding(one),
      absentFinding(one),
    ]),
    ...observed.hosts.map(hostFinding),
    ...observed.services.map(serviceFinding),
    ...observed.nodes.map(nodeFinding),
    ...[...new Set(observed.nodes.map(({ environment }) => environment))].map((environment) =>
      staleFinding(environment, observed.nodes, now),
    ),
    degradedFinding(observed.degraded),
    ...alertFindings(observed.alerts),
    ...observed.alerts.map(blindFinding),
  ].filter((finding) => finding !== null);
  const age = ({ since }: Finding) => (since === null ? Infinity : Date.parse(since));
  const compare = (a: number, b: number) => (a === b ? 0 : a < b ? -1 : 1);
  const weight = ({ tone }: Finding) => (tone === 'failing' ? 0 : 1);
  return findings.sort(
    (a, b) => weight(a) - weight(b) || compare(age(a), age(b)) || a.id.localeCompare(b.id),
  );
}

/** A sum over nodes that says how many of them it knows; `value` null when none of them is known. */
export interface Sum {
  value: number | null;
  known: number;
  of: number;
}

export interface EnvironmentFigures {
  environment: string;
  inflight: Sum;
  /** The greatest lag of a node: a sum would hide one that falls behind. */
  lag: { value: number | null; node_id: string | null };
  storage: { used: Sum; capacity: number; fullest: { node_id: string; ratio: number } | null };
}

function sum(values: readonly (number | null)[]): Sum {
  const known = values.filter((value) => value !== null);
  const value = known.length > 0 ? known.reduce((total, one) => total + one, 0) : null;
  return { value, known: known.length, of: values.length };
}

/** Work in flight, lag and storage of one environment, out of what its nodes reported. */
export function environmentFigures(environment: string, nodes: readonly NodeRow[]): EnvironmentFigures {
  const own = nodes.filter((node) => node.environment === environment);
  const serving = own.filter(({ kind }) => kind !== 'gateway');
  let slowest: NodeRow | null = null;
  for (const node of own)
    if (node.consumer_lag !== null && node.consumer_lag > (slowest?.consumer_lag ?? -1)) slowest = node;
  let fullest: { node_id: string; ratio: number } | null = null;
  for (const { node_id, storage } of serving) {
    const ratio = storage && storage.capacity_bytes > 0 ? storage.used_bytes / storage.capacity_bytes : null;
    if (ratio !== null && ratio > (fullest?.ratio ?? -1)) fullest = { node_id, ratio };
  }
  return {
    environment,
    inflight: sum(own.map(({ inflight }) => inflight)),
    lag: { value: slowest?.consumer_lag ?? null, node_id: slowest?.node_id ?? null },
    storage: {
      used: sum(serving.map(({ storage }) => storage?.used_bytes ?? null)),
      capacity: sum(serving.map(({ storage }) => storage?.capacity_bytes ?? null)).value ?? 0,
      fullest,
    },
  };
}

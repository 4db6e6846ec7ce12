import { describe, expect, it } from 'vitest';
import { environmentFigures, findingsOf, type Observed } from './overview-rules.ts';

const NOW = Date.parse('2026-01-01T12:00:00.000Z');
const ago = (seconds: number) => new Date(NOW - seconds * 1000).toISOString();

type NodeRow = Observed['nodes'][number];
type EnvironmentRow = Observed['environments'][number];
type HostRow = Observed['hosts'][number];
type ServiceRow = Observed['services'][number];
type JobRow = Observed['stuck'][number];

const node = (changes: Partial<NodeRow> = {}): NodeRow => ({
  node_id: 'prod-agg-1',
  kind: 'aggregate',
  environment: 'prod',
  state: 'ready',
  shards: ['agg-1'],
  labels: {},
  version: '1.0.0',
  git_sha: null,
  placement_revision: 1,
  inflight: 3,
  consumer_lag: 0,
  storage: { ok: true, used_bytes: 25, capacity_bytes: 100 },
  load: null,
  host_id: null,
  service_id: null,
  region: null,
  checks: [],
  problem: null,
  since: ago(3600),
  observation: { source: 'node', observed_at: ago(2), interval_s: 5 },
  ...changes,
});
const environment = (changes: Partial<EnvironmentRow> = {}): EnvironmentRow => ({
  environment: 'prod',
  production: true,
  nodes: { total: 1, ready: 1 },
  placement_count: 1,
  placement_revision: 1,
  watcher: { state: 'live', detail: null },
  placement_store: { kind: 'file', address: '/data/placement.db', version: null, warnings: [] },
  orchestrator: null,
  observation: { source: 'placement store', observed_at: ago(1), interval_s: 5 },
  ...changes,
});
const host = (changes: Partial<HostRow> = {}): HostRow => ({
  environment: 'prod',
  host_id: 'h1',
  hostname: 'host-1',
  role: 'worker',
  leader: false,
  state: 'ready',
  availability: 'active',
  address: null,
  region: null,
  labels: {},
  engine_version: '28.5.1',
  cpus: 8,
  memory_bytes: 2 ** 34,
  tasks_running: 4,
  load: null,
  problem: null,
  since: ago(3600),
  observation: { source: 'Docker Swarm', observed_at: ago(2), interval_s: 5 },
  ...changes,
});
const service = (changes: Partial<ServiceRow> = {}): ServiceRow => ({
  environment: 'prod',
  service_id: 's1',
  name: 'prod-aggregate',
  kind: 'aggregate',
  mode: 'replicated',
  state: 'healthy',
  image: 'aggregate:2.1.0',
  digest: null,
  version: '2.1.0',
  replicas_desired: 3,
  replicas_running: 3,
  replicas_current: 3,
  update: { state: 'completed', message: null, started_at: null, completed_at: null },
  labels: {},
  load: null,
  problem: null,
  since: ago(3600),
  observation: { source: 'Docker Swarm', observed_at: ago(2), interval_s: 5 },
  ...changes,
});
const job = (changes: Partial<JobRow> = {}): JobRow => ({
  job_id: '0198c5b4-0000-7000-8000-000000000001',
  parent_job_id: null,
  kind: 'migrate_tenant',
  title: 'Move acme',
  state: 'stuck',
  environment: 'prod',
  tenant_id: 'acme',
  target_type: 'tenant',
  target_id: 'acme',
  reason: null,
  created_by: 'a@b.c',
  step_count: 7,
  steps_done: 2,
  current_step: 'Drain',
  cancel_requested_at: null,
  error: { code: 'node_unreachable', message: 'prj-2 did not answer', step: 'drain' },
  created_at: ago(60),
  started_at: ago(59),
  finished_at: null,
  ...changes,
});
type AlertRow = Observed['alerts'][number]['alerts'][number];
const alert = (name: string, changes: Partial<AlertRow> = {}): AlertRow => ({
  alert_id: name,
  name,
  state: 'firing',
  severity: 'page',
  summary: 'Something is wrong.',
  service: null,
  labels: {},
  value: null,
  active_since: ago(600),
  silenced: false,
  runbook: null,
  dashboard_uid: null,
  dashboard_url: null,
  ...changes,
});
const quiet: Observed = {
  nodes: [node()],
  environments: [environment()],
  hosts: [host()],
  services: [service()],
  stuck: [],
  degraded: { count: 0, exact: true },
  alerts: [],
};

describe('findings', () => {
  it('are none when everything is well', () => {
    expect(findingsOf(quiet, NOW)).toEqual([]);
    expect(findingsOf({ ...quiet, nodes: [node({ state: 'draining' })] }, NOW)).toEqual([]);
  });

  it.each(['not_ready', 'unreachable', 'lying'] as const)(
    'name a node that is %s, with its problem',
    (state) => {
      const [finding] = findingsOf({ ...quiet, nodes: [node({ state, problem: 'Disk full' })] }, NOW);
      expect(finding).toMatchObject({
        tone: 'failing',
        detail: 'Disk full',
        subject: { type: 'node', id: 'prod-agg-1' },
      });
    },
  );

  it('do not trust a ready node that was not observed lately', () => {
    const observation = { source: 'node', observed_at: ago(60), interval_s: 5 };
    const [finding] = findingsOf({ ...quiet, nodes: [node({ observation })] }, NOW);
    expect(finding).toMatchObject({ tone: 'attention', since: ago(60) });
  });

  it('are one for all the nodes of an environment that nobody observes', () => {
    const observation = { source: 'node', observed_at: ago(60), interval_s: 5 };
    const nodes = ['a', 'b', 'c'].map((node_id) => node({ node_id, observation }));
    const findings = findingsOf({ ...quiet, nodes: [...nodes, node({ node_id: 'd' })] }, NOW);
    expect(findings.map(({ title }) => title)).toEqual(['3 of 4 nodes of prod were not observed lately']);
  });

  it.each([
    ['down', 'failing'],
    ['disconnected', 'failing'],
    ['unknown', 'attention'],
  ] as const)('name a host that is %s', (state, tone) => {
    const hosts = [host({ state, problem: 'No heartbeat for 42 s' })];
    expect(findingsOf({ ...quiet, hosts }, NOW)).toMatchObject([
      { tone, title: `Host host-1 is ${state}`, detail: 'No heartbeat for 42 s', subject: { id: 'h1' } },
    ]);
  });

  it('leave a host alone that somebody cordoned or drained', () => {
    const hosts = [host({ availability: 'pause' }), host({ availability: 'drain' })];
    expect(findingsOf({ ...quiet, hosts }, NOW)).toEqual([]);
  });

  it.each([
    ['down', 'failing'],
    ['paused', 'failing'],
    ['degraded', 'attention'],
    ['rolled_back', 'attention'],
  ] as const)('name a service that is %s', (state, tone) => {
    const services = [service({ state, problem: '1 of 3 tasks run' })];
    expect(findingsOf({ ...quiet, services }, NOW)).toMatchObject([
      { tone, detail: '1 of 3 tasks run', subject: { type: 'service', id: 's1' } },
    ]);
  });

  it('leave a service alone that is being updated', () => {
    expect(findingsOf({ ...quiet, services: [service({ state: 'updating' })] }, NOW)).toEqual([]);
  });

  it('say when an orchestrator is not followed, for then its hosts and services are not current', () => {
    const observation = { source: 'Docker Swarm', observed_at: ago(90), interval_s: 5 };
    const orchestrator = { state: 'down', detail: 'connect ECONNREFUSED', observation } as const;
    expect(findingsOf({ ...quiet, environments: [environment({ orchestrator })] }, NOW)).toMatchObject([
      { tone: 'failing', subject: { type: 'orchestrator', id: 'prod' }, since: ago(90) },
    ]);
  });

  it('name a store that is not well even when its node is ready', () => {
    const storage = { ok: false, used_bytes: 99, capacity_bytes: 100 };
    expect(findingsOf({ ...quiet, nodes: [node({ storage })] }, NOW)).toHaveLength(1);
  });

  it('name the alerts that fire by what they call, and nothing that is silenced, pending or told for information', () => {
    const alerts = [
      alert('ErrorRatioHigh'),
      alert('ConsumerLagHigh', { severity: 'ticket' }),
      alert('Muted', { silenced: true }),
      alert('NotYet', { state: 'pending' }),
      alert('Deadman', { severity: 'info' }),
    ];
    const findings = findingsOf({ ...quiet, alerts: [{ environment: 'prod', state: 'read', alerts }] }, NOW);
    expect(findings.map(({ tone, title }) => [tone, title])).toEqual([
      ['failing', 'ErrorRatioHigh in prod'],
      ['attention', 'ConsumerLagHigh in prod'],
    ]);
  });

  it('name an alert of what serves several environments once', () => {
    const alerts = [alert('ServiceDown', { labels: { env: 'control', service: 'control' } })];
    const observed = ['dev', 'prod'].map((one) => ({ environment: one, state: 'read' as const, alerts }));
    expect(findingsOf({ ...quiet, alerts: observed }, NOW).map(({ title }) => title)).toEqual([
      'ServiceDown in control',
    ]);
  });

  it('say that alerts cannot be read rather than nothing, and claim nothing where there is no alerting server', () => {
    const alerts = [
      { environment: 'prod', state: 'failed', alerts: [] },
      { environment: 'dev', state: 'not_configured', alerts: [] },
    ] as const;
    expect(findingsOf({ ...quiet, alerts }, NOW).map(({ title }) => title)).toEqual([
      'The alerts of prod cannot be read',
    ]);
  });

  it('name placements that nobody watches, stuck jobs and degraded tenants', () => {
    const findings = findingsOf(
      {
        nodes: [],
        hosts: [],
        services: [],
        environments: [environment({ watcher: { state: 'rebuilding', detail: 'Missed revision 4' } })],
        stuck: [job()],
        degraded: { count: 1000, exact: false },
        alerts: [],
      },
      NOW,
    );
    expect(findings.map(({ title }) => title)).toEqual([
      'Stuck: Move acme',
      'Placements of prod are being read again',
      '1,000+ tenants are degraded',
    ]);
  });

  it('never call an environment well of which no node has been observed', () => {
    const environments = [environment({ nodes: { total: 0, ready: 0 } })];
    const [finding] = findingsOf({ ...quiet, nodes: [], environments }, NOW);
    expect(finding?.title).toBe('No node of prod has been observed');
  });

  it('name a node once, however much is wrong with it', () => {
    const observation = { source: 'node', observed_at: ago(60), interval_s: 5 };
    expect(findingsOf({ ...quiet, nodes: [node({ state: 'unreachable', observation })] }, NOW)).toHaveLength(
      1,
    );
  });

  it('put what fails first, and of that what has stood longest', () => {
    const nodes = [
      node({ node_id: 'a', state: 'unknown', since: ago(9000) }),
      node({ node_id: 'b', state: 'unreachable', since: ago(10) }),
      node({ node_id: 'c', state: 'unreachable', since: ago(500) }),
    ];
    expect(findingsOf({ ...quiet, nodes }, NOW).map(({ subject }) => subject.id)).toEqual(['c', 'b', 'a']);
  });
});

describe('the figures of an environment', () => {
  it('are of its own nodes, and say of how many', () => {
    const nodes = [
      node({ inflight: 3 }),
      node({
        node_id: 'prod-agg-2',
        inflight: null,
        storage: null,
        consumer_lag: null,
        state: 'unreachable',
      }),
      node({
        node_id: 'prod-prj-1',
        kind: 'projection',
        consumer_lag: 40,
        storage: { ok: true, used_bytes: 90, capacity_bytes: 100 },
      }),
      node({ node_id: 'dev-agg-1', environment: 'dev', inflight: 1000 }),
    ];
    expect(environmentFigures('prod', nodes)).toEqual({
      environment: 'prod',
      inflight: { value: 6, known: 2, of: 3 },
      lag: { value: 40, node_id: 'prod-prj-1' },
      storage: {
        used: { value: 115, known: 2, of: 3 },
        capacity: 200,
        fullest: { node_id: 'prod-prj-1', ratio: 0.9 },
      },
    });
  });

  it('are unknown, not 0, when no node reports', () => {
    const { inflight, lag, storage } = environmentFigures('prod', []);
    expect([inflight.value, lag.value, storage.used.value, storage.fullest]).toEqual([
      null,
      null,
      null,
      null,
    ]);
  });
});

/** What the platform's services export: the metrics contract. */
import { metricsOf } from './metric.ts';

const TENANT_BUCKETS = [0.01, 0.05, 0.1, 0.25, 0.5, 1, 5] as const;
const WORK_BUCKETS = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 30] as const;

const everyService = metricsOf(
  { source: 'every platform service', environment: 'env' },
  {
    http_requests_total: {
      type: 'counter',
      unit: 'requests',
      labels: ['path', 'method', 'status'],
      help: 'HTTP requests answered. `path` is the route template, never the path that was asked for; never a tenant.',
    },
    http_request_duration_seconds: {
      type: 'histogram',
      unit: 'seconds',
      labels: ['path', 'method', 'status'],
      help: 'Time to answer an HTTP request, by route template.',
      buckets: [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5],
    },
    platform_placement_revision: {
      type: 'gauge',
      unit: 'revision',
      labels: [],
      help: 'Placement revision that the node serves.',
    },
    platform_draining: { type: 'gauge', unit: 'boolean', labels: [], help: '1 while the whole node drains.' },
    platform_ready: {
      type: 'gauge',
      unit: 'boolean',
      labels: [],
      help: '1 when the node is ready, 0 otherwise.',
    },
    platform_tenants: { type: 'gauge', unit: 'tenants', labels: [], help: 'Tenants that the node serves.' },
    platform_in_flight: {
      type: 'gauge',
      unit: 'units of work',
      labels: [],
      help: 'Units of work begun and not finished.',
    },
    platform_consumer_lag: {
      type: 'gauge',
      unit: 'messages',
      labels: [],
      help: 'Messages that wait to be processed.',
    },
    platform_storage_ok: {
      type: 'gauge',
      unit: 'boolean',
      labels: [],
      help: '1 while the store accepts writes.',
    },
    platform_storage_used_bytes: {
      type: 'gauge',
      unit: 'bytes',
      labels: [],
      help: 'Bytes used in the store.',
    },
    platform_storage_capacity_bytes: {
      type: 'gauge',
      unit: 'bytes',
      labels: [],
      help: 'Bytes that the store can hold.',
    },
    process_cpu_seconds_total: {
      type: 'counter',
      unit: 'seconds',
      labels: [],
      help: 'CPU time used by the process. The control plane and the stack export it too.',
    },
    process_resident_memory_bytes: {
      type: 'gauge',
      unit: 'bytes',
      labels: [],
      help: 'Resident memory of the process. The control plane and the stack export it too.',
    },
  },
);

const gateway = metricsOf(
  { source: 'gateway', environment: 'env' },
  {
    gateway_build_info: {
      type: 'gauge',
      unit: 'info',
      labels: ['version', 'git_sha'],
      help: 'Always 1; the labels say what runs.',
    },
    gateway_tenant_requests_total: {
      type: 'counter',
      unit: 'requests',
      labels: ['tenant_id', 'status_class'],
      help: 'Requests of a tenant. `status_class` is `2xx`, `3xx`, `4xx`, `429` or `5xx`: 429 stands alone, since it is what a noisy tenant causes.',
    },
    gateway_tenant_request_duration_seconds: {
      type: 'histogram',
      unit: 'seconds',
      labels: ['tenant_id'],
      help: 'Time to answer a request of a tenant.',
      buckets: TENANT_BUCKETS,
    },
    gateway_logins_total: {
      type: 'counter',
      unit: 'logins',
      labels: ['result'],
      help: 'Sign-ins of end users; `result` is `ok`, `wrong_credentials`, `locked` or `mfa_failed`.',
    },
    gateway_sessions_revoked_total: {
      type: 'counter',
      unit: 'sessions',
      labels: ['cause'],
      help: 'Sessions of end users that were ended; `cause` is `user`, `operator` or `token_reuse`.',
    },
  },
);

const aggregate = metricsOf(
  { source: 'aggregate', environment: 'env' },
  {
    aggregate_build_info: {
      type: 'gauge',
      unit: 'info',
      labels: ['version', 'git_sha'],
      help: 'Always 1; the labels say what runs.',
    },
    aggregate_in_flight_commands: {
      type: 'gauge',
      unit: 'commands',
      labels: ['tenant_id'],
      help: 'Commands begun and not finished.',
    },
    aggregate_command_duration_seconds: {
      type: 'histogram',
      unit: 'seconds',
      labels: [],
      help: 'Time from taking a command to its events being stored.',
      buckets: WORK_BUCKETS,
    },
    aggregate_version_conflicts_total: {
      type: 'counter',
      unit: 'conflicts',
      labels: [],
      help: 'Commands that lost the race for an expected version, retries included.',
    },
    aggregate_tenant_errors_total: {
      type: 'counter',
      unit: 'commands',
      labels: ['tenant_id'],
      help: 'Commands that failed for a reason other than the caller’s.',
    },
    aggregate_publish_duration_seconds: {
      type: 'histogram',
      unit: 'seconds',
      labels: [],
      help: 'Time until JetStream has acknowledged a published event.',
      buckets: WORK_BUCKETS,
    },
  },
);

const projection = metricsOf(
  { source: 'projection', environment: 'env' },
  {
    projection_build_info: {
      type: 'gauge',
      unit: 'info',
      labels: ['version', 'git_sha'],
      help: 'Always 1; the labels say what runs.',
    },
    projection_events_processed_total: {
      type: 'counter',
      unit: 'events',
      labels: ['tenant_id', 'view_type'],
      help: 'Events that were applied to a view.',
    },
    projection_processing_errors_total: {
      type: 'counter',
      unit: 'events',
      labels: ['tenant_id', 'view_type'],
      help: 'Events that could not be applied.',
    },
    projection_processing_duration_seconds: {
      type: 'histogram',
      unit: 'seconds',
      labels: ['view_type'],
      help: 'Time to apply one event.',
      buckets: WORK_BUCKETS,
    },
  },
);

const runner = metricsOf(
  { source: 'runner', environment: 'env' },
  {
    runner_build_info: {
      type: 'gauge',
      unit: 'info',
      labels: ['version', 'git_sha'],
      help: 'Always 1; the labels say what runs.',
    },
    runner_outbox_depth: {
      type: 'gauge',
      unit: 'messages',
      labels: [],
      help: 'Messages in the outbox that are not dispatched.',
    },
    runner_outbox_oldest_age_seconds: {
      type: 'gauge',
      unit: 'seconds',
      labels: [],
      help: 'Age of the oldest message in the outbox; 0 when it is empty.',
    },
    runner_outbox_dispatches_total: {
      type: 'counter',
      unit: 'messages',
      labels: ['result'],
      help: 'Attempts to dispatch a message; `result` is `ok` or `failed`.',
    },
    runner_effect_duration_seconds: {
      type: 'histogram',
      unit: 'seconds',
      labels: ['effect_type'],
      help: 'Time that an effect took; `effect_type` comes from the definitions, at most 50 of them.',
      buckets: WORK_BUCKETS,
    },
    runner_effect_timeouts_total: {
      type: 'counter',
      unit: 'effects',
      labels: ['effect_type'],
      help: 'Effects that were given up at their deadline.',
    },
    runner_dead_letters_total: {
      type: 'counter',
      unit: 'messages',
      labels: ['cause'],
      help: 'Poison messages that were put aside; `cause` is `undecodable`, `rejected` or `attempts_exhausted`.',
    },
    runner_schedules_due: {
      type: 'gauge',
      unit: 'schedules',
      labels: [],
      help: 'Schedules whose time has come and that have not been started.',
    },
  },
);

const storage = metricsOf(
  { source: 'aggregate, projection and runner (libmdbx)', environment: 'env' },
  {
    db_size: {
      type: 'gauge',
      unit: 'bytes',
      labels: [],
      help: 'Size of the database file.',
    },
    db_commit_seconds: {
      type: 'histogram',
      unit: 'seconds',
      labels: ['phase'],
      help: 'Time of a commit; `phase` is `preparation`, `write`, `sync` (the fsync), `ending` or `total`.',
      buckets: WORK_BUCKETS,
    },
    db_pgops: {
      type: 'counter',
      unit: 'pages',
      labels: ['phase'],
      help: 'Page operations; `phase` is `newly`, `cow`, `clone`, `split`, `merge`, `spill`, `unspill` or `wops`.',
    },
    db_gc_pages: {
      type: 'gauge',
      unit: 'pages',
      labels: [],
      help: 'Pages that wait in the garbage collector’s list.',
    },
    tx_dirty: {
      type: 'gauge',
      unit: 'bytes',
      labels: [],
      help: 'Dirty space of the open write transaction.',
    },
    tx_limit: {
      type: 'gauge',
      unit: 'bytes',
      labels: [],
      help: 'Dirty space at which a transaction must spill.',
    },
  },
);

export const platformMetrics = {
  ...everyService,
  ...gateway,
  ...aggregate,
  ...projection,
  ...runner,
  ...storage,
};

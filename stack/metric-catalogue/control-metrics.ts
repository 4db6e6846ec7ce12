/** What the control plane exports, about itself and about the environments that it watches. */
import { metricsOf } from './metric.ts';

const process = metricsOf(
  { source: 'control plane', environment: 'control' },
  {
    control_build_info: {
      type: 'gauge',
      unit: 'info',
      labels: ['version', 'git_sha'],
      help: 'Always 1; the labels say what runs.',
    },
    control_http_requests_total: {
      type: 'counter',
      unit: 'requests',
      labels: ['method', 'route', 'status'],
      help: 'Requests of the Admin API by route template.',
    },
    control_http_request_duration_seconds: {
      type: 'histogram',
      unit: 'seconds',
      labels: ['method', 'route'],
      help: 'Time to answer a request of the Admin API.',
      buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5],
    },
    control_jobs: {
      type: 'gauge',
      unit: 'jobs',
      labels: ['kind', 'state'],
      help: 'Jobs that are not over: queued, running, undoing or stuck.',
    },
    control_jobs_ended_total: {
      type: 'counter',
      unit: 'jobs',
      labels: ['kind', 'state', 'error_code'],
      help: 'Jobs that ended; `error_code` is `drain_timeout` and its like, or empty.',
    },
    control_database_connections: {
      type: 'gauge',
      unit: 'connections',
      labels: ['state'],
      help: 'Connections of the pool: `idle`, `busy`, or `waiting` for one.',
    },
    control_leader: {
      type: 'gauge',
      unit: 'boolean',
      labels: [],
      help: '1 when this replica watches placements and nodes.',
    },
    nodejs_eventloop_lag_p99_seconds: {
      type: 'gauge',
      unit: 'seconds',
      labels: [],
      help: '99th percentile of the event loop’s delay.',
    },
    control_audit_events_total: {
      type: 'counter',
      unit: 'events',
      labels: ['outcome'],
      help: 'Audit events written by any replica, counted by the leader; `outcome` is `succeeded`, `failed` or `denied`.',
    },
    control_approvals_waiting: {
      type: 'gauge',
      unit: 'approvals',
      labels: [],
      help: 'Requests that wait for an approval.',
    },
    control_logins_total: {
      type: 'counter',
      unit: 'logins',
      labels: ['result'],
      help: 'Sign-ins of operators at any replica, counted by the leader; `result` is `ok`, `wrong_credentials`, `locked` (the user may not sign in) or `mfa_failed`.',
    },
    control_sessions_revoked_total: {
      type: 'counter',
      unit: 'sessions',
      labels: ['cause'],
      help: 'Sessions of operators that were ended by somebody at any replica, other than by signing out, counted by the leader; `cause` is `user` (its owner) or `operator`.',
    },
    control_detections_total: {
      type: 'counter',
      unit: 'detections',
      labels: ['kind'],
      help: 'Detections of suspicious activity that were raised at any replica, counted by the leader; what is seen again before one is resolved is not counted again.',
    },
    control_detections_open: {
      type: 'gauge',
      unit: 'detections',
      labels: ['kind'],
      help: 'Detections that nobody has acknowledged or resolved, told by the leader.',
    },
  },
);

const aboutEnvironments = metricsOf(
  { source: 'control plane, about an environment', environment: 'environment' },
  {
    control_placement_watcher_revision: {
      type: 'gauge',
      unit: 'revision',
      labels: ['environment'],
      help: 'Revision that the placement index has taken in.',
    },
    control_placement_watcher_lag_revisions: {
      type: 'gauge',
      unit: 'revisions',
      labels: ['environment'],
      help: 'Revisions of the placement store that the index lacks.',
    },
    control_placement_observation_age_seconds: {
      type: 'gauge',
      unit: 'seconds',
      labels: ['environment'],
      help: 'Time since the placement store was last heard of.',
    },
    control_node_observation_age_seconds: {
      type: 'gauge',
      unit: 'seconds',
      labels: ['environment'],
      help: 'Time since the node was heard of that has been silent for longest.',
    },
    control_nodes: {
      type: 'gauge',
      unit: 'nodes',
      labels: ['environment', 'state'],
      help: 'Nodes by state.',
    },
    control_placed_tenants: {
      type: 'gauge',
      unit: 'tenants',
      labels: ['environment', 'service', 'shard'],
      help: 'Tenants placed on a shard of a service kind, by the leader; beyond the 500 largest shards `shard` is `other`.',
    },
    control_rollout_annotations_total: {
      type: 'counter',
      unit: 'tries',
      labels: ['environment', 'result'],
      help: 'Tries to mark a rollout on the dashboards of Grafana; `result` is `written` or `failed`.',
    },
    control_deployment_last_timestamp_seconds: {
      type: 'gauge',
      unit: 'unix time',
      labels: ['environment', 'service', 'phase'],
      help: 'When the last rollout of the service reached `phase`, as the orchestrator says: `started`, `finished` or `failed` (paused or rolled back). By the leader; `service` is the kind of node, or the name of the service.',
    },
    swarm_service_replicas_desired: {
      type: 'gauge',
      unit: 'tasks',
      labels: ['environment', 'service'],
      help: 'Tasks that the service should have, by the leader; none for a global service. The engine itself exports no such count.',
    },
    swarm_service_replicas_running: {
      type: 'gauge',
      unit: 'tasks',
      labels: ['environment', 'service'],
      help: 'Tasks of the service that run, by the leader.',
    },
    swarm_tasks: {
      type: 'gauge',
      unit: 'tasks',
      labels: ['environment', 'service', 'node', 'desired_state', 'state'],
      help: 'Tasks by host, wanted state and state, by the leader; beyond 1,000 series, those first that are not as wanted, `node` is `other`.',
    },
  },
);

export const controlMetrics = { ...process, ...aboutEnvironments };

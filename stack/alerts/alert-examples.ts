/**
 * For each alert, figures at which it fires and figures at which it is silent, as series of one sample each minute in the notation of
 * rule tests (`0+10x60` grows by ten). What fires is compared whole, with its summary as a person reads it.
 */
interface Example {
  firing: Record<string, string>;
  silent: Record<string, string>;
  /** When it fires; an hour later at the most. */
  at: string;
  labels: Record<string, string>;
  summary: string;
  /** A second alert of the same name that the figures raise. */
  also?: { labels: Record<string, string>; summary: string };
}

const node = 'env="prod", service="gateway", instance="gateway.1"';
const agent = 'env="prod", instance="vmagent.1"';
const runner = 'env="prod", service="runner", instance="runner.1"';
const consumer =
  'env="prod", stream_name="EVENTS", consumer_name="views", is_consumer_leader="true", server_id="a"';
const stream = 'env="prod", stream_name="EVENTS", is_stream_leader="true", server_id="a"';
const volume = 'env="prod", instance="host-1", device="/dev/sda1", fstype="ext4", mountpoint="/data"';
const container = (task: number): string =>
  `container_start_time_seconds{env="prod", instance="host-1", name="c${task}", container_label_com_docker_swarm_service_name="runner"}`;
const self = 'env="control", service="control"';
const always = (value: number): string => `${value}x90`;
const growing = (step: number): string => `0+${step}x90`;
const nodeLabels = { env: 'prod', service: 'gateway', instance: 'gateway.1' };
const agentLabels = { env: 'prod', instance: 'vmagent.1' };
const runnerLabels = { env: 'prod', instance: 'runner.1' };

const failingRequests = {
  [`http_requests_total{${node}, path="/v1/things", method="GET", status="200"}`]: growing(540),
  [`http_requests_total{${node}, path="/v1/things", method="GET", status="500"}`]: growing(60),
};
const goodRequests = {
  [`http_requests_total{${node}, path="/v1/things", method="GET", status="200"}`]: growing(600),
  [`http_requests_total{${node}, path="/v1/things", method="GET", status="500"}`]: always(0),
};
const durations = (fast: number): Record<string, string> => ({
  [`http_request_duration_seconds_bucket{${node}, path="/", method="GET", status="200", le="0.5"}`]:
    growing(fast),
  [`http_request_duration_seconds_bucket{${node}, path="/", method="GET", status="200", le="1"}`]:
    growing(fast),
  [`http_request_duration_seconds_bucket{${node}, path="/", method="GET", status="200", le="5"}`]:
    growing(600),
  [`http_request_duration_seconds_bucket{${node}, path="/", method="GET", status="200", le="+Inf"}`]:
    growing(600),
  [`http_request_duration_seconds_count{${node}, path="/", method="GET", status="200"}`]: growing(600),
});

export const ALERT_EXAMPLES: Record<string, Example> = {
  ServiceDown: {
    firing: { [`up{${node}, job="gateway"}`]: always(0) },
    silent: { [`up{${node}, job="gateway"}`]: always(1) },
    at: '5m',
    labels: { ...nodeLabels, job: 'gateway' },
    summary: 'gateway gateway.1 in prod has not answered its scrapes for 2 minutes (up 0).',
  },
  NodeNotReady: {
    firing: { [`platform_ready{${node}}`]: always(0), [`platform_draining{${node}}`]: always(0) },
    silent: { [`platform_ready{${node}}`]: always(0), [`platform_draining{${node}}`]: always(1) },
    at: '10m',
    labels: nodeLabels,
    summary: 'gateway gateway.1 in prod has not been ready for 5 minutes and does not drain (ready 0).',
  },
  ReplicasMissing: {
    firing: {
      'swarm_service_replicas_desired{environment="prod", service="runner"}': always(3),
      'swarm_service_replicas_running{environment="prod", service="runner"}': always(1),
    },
    silent: {
      'swarm_service_replicas_desired{environment="prod", service="runner"}': always(3),
      'swarm_service_replicas_running{environment="prod", service="runner"}': always(3),
    },
    at: '15m',
    labels: { environment: 'prod', service: 'runner' },
    summary: 'runner in prod has lacked 2 tasks for 10 minutes.',
  },
  ScrapesFailing: {
    firing: {
      [`vm_promscrape_scrapes_total{${agent}}`]: growing(100),
      [`vm_promscrape_scrapes_failed_total{${agent}}`]: growing(25),
    },
    silent: {
      [`vm_promscrape_scrapes_total{${agent}}`]: growing(100),
      [`vm_promscrape_scrapes_failed_total{${agent}}`]: growing(1),
    },
    at: '30m',
    labels: agentLabels,
    summary: '25% of the scrapes of vmagent.1 in prod have failed for 10 minutes.',
  },
  MetricsWriteFailing: {
    firing: { [`vmagent_remotewrite_retries_count_total{${agent}, url="1"}`]: growing(60) },
    silent: { [`vmagent_remotewrite_retries_count_total{${agent}, url="1"}`]: growing(1) },
    at: '30m',
    labels: agentLabels,
    summary: 'vmagent vmagent.1 in prod has repeated 1 writes each second for 10 minutes.',
  },
  MetricsLost: {
    firing: { [`vm_persistentqueue_bytes_dropped_total{${agent}, path="/q"}`]: growing(100) },
    silent: { [`vm_persistentqueue_bytes_dropped_total{${agent}, path="/q"}`]: always(7) },
    at: '30m',
    labels: agentLabels,
    summary: 'vmagent vmagent.1 in prod has dropped 500 bytes of metrics in 5 minutes.',
  },
  PlacementWatchStale: {
    firing: { 'control_placement_observation_age_seconds{environment="prod"}': always(90) },
    silent: { 'control_placement_observation_age_seconds{environment="prod"}': always(2) },
    at: '10m',
    labels: { environment: 'prod' },
    summary: 'The placement store of prod was last heard of 1m 30s ago.',
  },
  ErrorRatioHigh: {
    firing: failingRequests,
    silent: goodRequests,
    at: '30m',
    labels: { env: 'prod', service: 'gateway' },
    summary: '10% of the requests of gateway in prod have failed with 5xx for 10 minutes.',
  },
  LatencyHigh: {
    firing: durations(300),
    silent: durations(600),
    at: '30m',
    labels: { env: 'prod', service: 'gateway' },
    summary: 'One in twenty requests of gateway in prod has taken longer than 4.6s for 10 minutes.',
  },
  SloBurnFast: {
    firing: failingRequests,
    silent: goodRequests,
    at: '60m',
    labels: { env: 'prod', service: 'gateway', slo: 'availability' },
    summary:
      'gateway in prod uses a month’s error budget up within five days: 10% of its requests fail the objective “availability”.',
    also: {
      labels: { env: 'prod', service: 'gateway', slo: 'latency' },
      summary:
        'gateway in prod uses a month’s error budget up within five days: 50% of its requests fail the objective “latency”.',
    },
  },
  SloBurnSlow: {
    firing: failingRequests,
    silent: goodRequests,
    at: '60m',
    labels: { env: 'prod', service: 'gateway', slo: 'availability' },
    summary:
      'gateway in prod uses its error budget up before its time: 10% of its requests fail the objective “availability”.',
    also: {
      labels: { env: 'prod', service: 'gateway', slo: 'latency' },
      summary:
        'gateway in prod uses its error budget up before its time: 50% of its requests fail the objective “latency”.',
    },
  },
  ConsumerLagHigh: {
    firing: { [`jetstream_consumer_num_pending{${consumer}}`]: always(12_000) },
    silent: { [`jetstream_consumer_num_pending{${consumer}}`]: always(9_000) },
    at: '15m',
    labels: { env: 'prod', stream_name: 'EVENTS', consumer_name: 'views' },
    summary:
      'Consumer views of EVENTS in prod has been more than 10,000 messages behind for 10 minutes, now 12k.',
  },
  OutboxDeep: {
    firing: { [`runner_outbox_depth{${runner}}`]: always(1_500) },
    silent: { [`runner_outbox_depth{${runner}}`]: always(20) },
    at: '15m',
    labels: runnerLabels,
    summary: 'The outbox of runner.1 in prod has held more than 1,000 messages for 10 minutes, now 1.5k.',
  },
  OutboxStuck: {
    firing: { [`runner_outbox_oldest_age_seconds{${runner}}`]: always(600) },
    silent: { [`runner_outbox_oldest_age_seconds{${runner}}`]: always(3) },
    at: '10m',
    labels: runnerLabels,
    summary: 'The oldest message in the outbox of runner.1 in prod has waited 10m 0s.',
  },
  DeadLetters: {
    firing: { [`runner_dead_letters_total{${runner}, cause="rejected"}`]: growing(1) },
    silent: { [`runner_dead_letters_total{${runner}, cause="rejected"}`]: always(4) },
    at: '30m',
    labels: { env: 'prod', cause: 'rejected' },
    summary: '15 messages in prod were put aside in 15 minutes: rejected.',
  },
  DrainTimedOut: {
    firing: {
      'control_jobs_ended_total{env="control", kind="migrate_tenant", state="failed_rolled_back", error_code="drain_timeout"}':
        '0x20 2x70',
    },
    silent: {
      'control_jobs_ended_total{env="control", kind="migrate_tenant", state="succeeded", error_code=""}':
        growing(1),
    },
    at: '30m',
    labels: { kind: 'migrate_tenant' },
    summary:
      '2 jobs of kind migrate_tenant were undone in 15 minutes, because a drain exceeded its time-box.',
  },
  JobStuck: {
    firing: { 'control_jobs{env="control", kind="migrate_tenant", state="stuck"}': always(1) },
    silent: { 'control_jobs{env="control", kind="migrate_tenant", state="running"}': always(1) },
    at: '5m',
    labels: { kind: 'migrate_tenant' },
    summary: '1 jobs of kind migrate_tenant are stuck half-way and hold what they change.',
  },
  DiskNearlyFull: {
    firing: {
      [`node_filesystem_avail_bytes{${volume}}`]: always(50),
      [`node_filesystem_size_bytes{${volume}}`]: always(1_000),
    },
    silent: {
      [`node_filesystem_avail_bytes{${volume}}`]: always(500),
      [`node_filesystem_size_bytes{${volume}}`]: always(1_000),
    },
    at: '15m',
    labels: { env: 'prod', instance: 'host-1', mountpoint: '/data' },
    summary: '/data of host-1 in prod has 5% left.',
  },
  DiskFullSoon: {
    firing: { [`node_filesystem_avail_bytes{${volume.replace('host-1', 'host-2')}}`]: '1000000-1024x90' },
    silent: { [`node_filesystem_avail_bytes{${volume.replace('host-1', 'host-2')}}`]: always(1_000_000) },
    at: '70m',
    labels: { env: 'prod', instance: 'host-2', mountpoint: '/data' },
    summary:
      '/data of host-2 in prod will be full within 3 days, if it fills as in the last 6 hours (then -3.333MiB).',
  },
  StoreNearlyFull: {
    firing: {
      [`platform_storage_used_bytes{${node}}`]: always(90),
      [`platform_storage_capacity_bytes{${node}}`]: always(100),
    },
    silent: {
      [`platform_storage_used_bytes{${node}}`]: always(10),
      [`platform_storage_capacity_bytes{${node}}`]: always(100),
    },
    at: '15m',
    labels: nodeLabels,
    summary: 'The store of gateway gateway.1 in prod is 90% full.',
  },
  StoreUnwritable: {
    firing: { [`platform_storage_ok{${node}}`]: always(0) },
    silent: { [`platform_storage_ok{${node}}`]: always(1) },
    at: '5m',
    labels: nodeLabels,
    summary: 'The store of gateway gateway.1 in prod has refused writes for a minute (ok 0).',
  },
  StreamNearlyFull: {
    firing: {
      [`jetstream_stream_total_bytes{${stream}}`]: always(95),
      [`jetstream_stream_limit_bytes{${stream}}`]: always(100),
    },
    // Full to the brim by the bytes, but without a limit.
    silent: {
      [`jetstream_stream_total_bytes{${stream}}`]: always(95),
      [`jetstream_stream_limit_bytes{${stream}}`]: always(-1),
    },
    at: '15m',
    labels: { env: 'prod', stream_name: 'EVENTS' },
    summary: 'Stream EVENTS in prod is 95% full.',
  },
  RestartLoop: {
    // Rule tests begin at the epoch: the value is the second of the start, here always three new ones.
    firing: { [container(1)]: growing(60), [container(2)]: growing(60), [container(3)]: growing(60) },
    silent: { [container(1)]: always(1), [container(2)]: always(1), [container(3)]: always(1) },
    at: '60m',
    labels: { env: 'prod', container_label_com_docker_swarm_service_name: 'runner' },
    summary: 'runner in prod has started 3 containers in 15 minutes, and goes on.',
  },
  KilledForMemory: {
    firing: { 'node_vmstat_oom_kill{env="prod", instance="host-1"}': '0x20 1x70' },
    silent: { 'node_vmstat_oom_kill{env="prod", instance="host-1"}': always(9) },
    at: '30m',
    labels: { env: 'prod', instance: 'host-1' },
    summary: '1 processes on host-1 in prod were killed for want of memory in 15 minutes.',
  },
  LoginAnomaly: {
    firing: {
      [`gateway_logins_total{${node}, result="wrong_credentials"}`]: growing(20),
      [`gateway_logins_total{${node}, result="ok"}`]: growing(1),
    },
    silent: {
      [`gateway_logins_total{${node}, result="wrong_credentials"}`]: growing(20),
      [`gateway_logins_total{${node}, result="ok"}`]: growing(400),
    },
    at: '30m',
    labels: { env: 'prod', service: 'gateway' },
    summary: '200 sign-ins at gateway in prod have failed in 10 minutes, more than half of all.',
  },
  MfaFailureSpike: {
    firing: { 'control_logins_total{env="control", service="control", result="mfa_failed"}': growing(1) },
    silent: { 'control_logins_total{env="control", service="control", result="mfa_failed"}': always(3) },
    at: '30m',
    labels: { env: 'control', service: 'control' },
    summary:
      '10 sign-ins at control in control had the right password and a wrong second factor in 10 minutes.',
  },
  SessionRevocationSpike: {
    firing: { [`gateway_sessions_revoked_total{${node}, cause="operator"}`]: growing(30) },
    silent: { [`gateway_sessions_revoked_total{${node}, cause="operator"}`]: growing(2) },
    at: '30m',
    labels: { env: 'prod', service: 'gateway' },
    summary: '300 sessions at gateway in prod were revoked in 10 minutes.',
  },
  TokenReuse: {
    firing: { [`control_detections_total{${self}, kind="token_reuse"}`]: growing(1) },
    silent: {
      [`control_detections_total{${self}, kind="token_reuse"}`]: always(3),
      [`control_detections_total{${self}, kind="ip_change"}`]: growing(1),
    },
    at: '30m',
    labels: { env: 'control', service: 'control' },
    summary:
      'Refresh tokens that were used up came back in 10 sessions in 10 minutes: somebody else may have copies.',
  },
  DetectionsUnattended: {
    firing: {
      [`control_detections_open{${self}, kind="ip_change"}`]: always(2),
      [`control_detections_open{${self}, kind="session_fan_out"}`]: always(1),
    },
    silent: { [`control_detections_open{${self}, kind="ip_change"}`]: '0x20 1x30 0x60' },
    at: '90m',
    labels: { env: 'control', service: 'control' },
    summary: '3 detections of suspicious activity have been open for an hour.',
  },
  RulesFailing: {
    firing: {
      'vmalert_alerting_rules_errors_total{env="prod", group="backlogs"}': growing(1),
      'vmalert_iteration_missed_total{env="prod", group="backlogs"}': always(0),
    },
    silent: {
      'vmalert_alerting_rules_errors_total{env="prod", group="backlogs"}': always(0),
      'vmalert_iteration_missed_total{env="prod", group="backlogs"}': always(0),
    },
    at: '30m',
    labels: { env: 'prod', group: 'backlogs' },
    summary: 'Rules of the group backlogs in prod failed or were left out 5 times in 5 minutes.',
  },
  NotificationsFailing: {
    firing: { 'alertmanager_notifications_failed_total{env="prod", integration="email"}': growing(1) },
    silent: { 'alertmanager_notifications_failed_total{env="prod", integration="email"}': always(0) },
    at: '30m',
    labels: { env: 'prod', integration: 'email' },
    summary: '10 notifications by email in prod have failed in 10 minutes.',
  },
  SeriesBudgetNearlyUsed: {
    firing: {
      [`vmagent_hourly_series_limit_current_series{${agent}}`]: always(95),
      [`vmagent_hourly_series_limit_max_series{${agent}}`]: always(100),
    },
    silent: {
      [`vmagent_hourly_series_limit_current_series{${agent}}`]: always(50),
      [`vmagent_hourly_series_limit_max_series{${agent}}`]: always(100),
    },
    at: '15m',
    labels: agentLabels,
    summary: 'vmagent vmagent.1 in prod has used 95% of the series that an hour may have.',
  },
  LogsLost: {
    firing: {
      'loki_write_dropped_entries_total{env="prod", host="loki", tenant="", reason="line_too_long"}':
        growing(60),
    },
    silent: {
      'loki_write_dropped_entries_total{env="prod", host="loki", tenant="", reason="line_too_long"}':
        always(60),
    },
    at: '30m',
    labels: { env: 'prod', reason: 'line_too_long' },
    summary: '1 log lines each second in prod have been lost for 5 minutes: line_too_long.',
  },
};

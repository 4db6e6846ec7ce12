/** Generated from the migrations by "npm run generate". Do not edit. */

import type { ColumnType } from "kysely";

export type Generated<T> = T extends ColumnType<infer S, infer I, infer U>
  ? ColumnType<S, I | undefined, U>
  : ColumnType<T, T | undefined, T>;

export type Json = JsonValue;

export type JsonArray = JsonValue[];

export type JsonObject = {
  [x: string]: JsonValue | undefined;
};

export type JsonPrimitive = boolean | number | string | null;

export type JsonValue = JsonArray | JsonObject | JsonPrimitive;

export interface ApiTokens {
  created_at: Generated<string>;
  created_by: string | null;
  environment: string | null;
  expires_at: string;
  last_used_at: string | null;
  name: string;
  permissions: string[];
  prefix: string;
  revoked_at: string | null;
  rotated_from: string | null;
  tenant_id: string | null;
  token_hash: Buffer;
  token_id: Generated<string>;
  user_id: string;
}

export interface ApprovalComments {
  approval_id: string;
  comment: string;
  comment_id: Generated<string>;
  created_at: Generated<string>;
  label: string;
  user_id: string;
}

export interface ApprovalDecisions {
  approval_id: string;
  comment: string | null;
  decided_at: Generated<string>;
  decision: 'approved' | 'rejected';
  label: string;
  roles: string[];
  user_id: string;
}

export interface ApprovalPolicies {
  environment: string | null;
  expires_after_h: number;
  operation: string;
  policy_id: Generated<string>;
  requirements: Json;
  revision: Generated<number>;
  updated_at: Generated<string>;
  updated_by: string;
}

export interface ApprovalRequests {
  approval_id: Generated<string>;
  call: Json;
  contributor_ids: string[];
  created_at: Generated<string>;
  drift: Generated<Json>;
  ended_at: string | null;
  ended_by: string | null;
  ended_detail: string | null;
  environment: string | null;
  expires_at: string;
  job_id: string | null;
  operation: string;
  plan: Json;
  plan_hash: string;
  policies: Json;
  reason: string | null;
  requester: string;
  requester_id: string;
  requirements: Json;
  role_ids: string[];
  state: Generated<'waiting' | 'applied' | 'rejected' | 'withdrawn' | 'voided' | 'expired'>;
  subject_key: string;
  target_id: string;
  target_type: string;
  tenant_id: string | null;
  title: string;
  token_id: string | null;
  void_reason: 'drifted' | 'edited' | 'policy_changed' | 'requester_not_allowed' | 'refused' | null | null;
}

export interface Assignments {
  assignment_id: Generated<string>;
  created_at: Generated<string>;
  created_by: string | null;
  environment: string | null;
  expires_at: string | null;
  role_id: string;
  tenant_id: string | null;
  user_id: string;
}

export interface AuditEvents {
  action: string;
  actor_id: string | null;
  actor_label: string;
  actor_type: 'user' | 'api_token' | 'system' | 'anonymous';
  changes: Generated<Json>;
  details: Json | null;
  environment: string | null;
  impersonation_id: string | null;
  ip: string | null;
  job_id: string | null;
  occurred_at: Generated<string>;
  on_behalf_of: string | null;
  outcome: 'succeeded' | 'failed' | 'denied';
  reason: string | null;
  repeat_count: Generated<number>;
  request_id: string | null;
  sequence: Generated<number>;
  target_id: string;
  target_type: string;
  tenant_id: string | null;
  trace_id: string | null;
  user_agent: string | null;
}

export interface DetectionMarks {
  looked_until: Generated<string>;
  only_row: Generated<boolean>;
}

export interface Detections {
  acknowledged_at: string | null;
  acknowledged_by: string | null;
  count: number;
  details: Json;
  detection_id: Generated<string>;
  first_seen_at: Generated<string>;
  ip: string | null;
  kind: 'session_fan_out' | 'failed_sign_ins_account' | 'failed_sign_ins_address' | 'failed_second_factor' | 'ip_change' | 'token_new_network' | 'token_reuse';
  last_seen_at: Generated<string>;
  measured: number;
  reason: string | null;
  resolved_at: string | null;
  resolved_by: string | null;
  state: Generated<'open' | 'acknowledged' | 'resolved'>;
  subject_id: string;
  subject_label: string;
  subject_type: 'user' | 'address' | 'session' | 'api_token';
  threshold: number;
  user_id: string | null;
  window_s: number | null;
}

export interface DeviceAuthorizations {
  approved_by: string | null;
  authorization_id: Generated<string>;
  client_name: string;
  created_at: Generated<string>;
  device_code_hash: Buffer;
  expires_at: string;
  interval_s: number;
  ip: string;
  last_polled_at: string | null;
  session_id: string | null;
  state: Generated<'pending' | 'approved' | 'denied' | 'used'>;
  user_agent: string;
  user_code_hash: Buffer;
}

export interface GatewayEndings {
  created_at: Generated<string>;
  ended_reason: string;
  ending_id: Generated<string>;
  environment: string;
  job_id: string | null;
  request: Json | null;
  which: Json;
}

export interface GatewaySessions {
  address: Generated<string | null>;
  created_at: string;
  device_browser: Generated<string | null>;
  device_system: Generated<string | null>;
  end_user_id: string;
  ended_at: string | null;
  ended_reason: string | null;
  ended_seen_at: string | null;
  environment: string;
  expires_at: string;
  family_id: string;
  gateway_session_id: string;
  ip: string;
  last_seen_at: string;
  opened_after: Generated<string>;
  session_id: Generated<string>;
  tenant_id: string;
  user_agent: string;
  written_at: Generated<string>;
}

export interface GatewaySessionWatch {
  detail: string | null;
  environment: string;
  feed: string | null;
  observed_at: string | null;
  revision: Generated<number>;
  state: 'live' | 'rebuilding' | 'down';
}

export interface HostIndex {
  address: string | null;
  availability: 'active' | 'pause' | 'drain';
  cpus: number | null;
  engine_version: string;
  environment: string;
  host_id: string;
  hostname: string;
  labels: Generated<Json>;
  leader: boolean;
  memory_bytes: number | null;
  problem: string | null;
  region: string | null;
  role: 'manager' | 'worker';
  since: string;
  state: 'ready' | 'down' | 'disconnected' | 'unknown';
  tasks_running: number;
}

export interface Impersonations {
  actor_session_id: string;
  actor_user_id: string;
  comment: string | null;
  ended_at: string | null;
  ending: string | null;
  ends_at: string;
  impersonation_id: string;
  reason: string;
  review_due_at: string;
  reviewed_at: string | null;
  reviewed_by: string | null;
  started_at: Generated<string>;
  user_id: string;
  verdict: 'in_order' | 'not_in_order' | null | null;
}

export interface Jobs {
  cancel_reason: string | null;
  cancel_requested_at: string | null;
  cancel_requested_by: string | null;
  created_at: Generated<string>;
  created_by: string;
  current_step: string | null;
  environment: string | null;
  error: Json | null;
  finished_at: string | null;
  idempotency_key: string | null;
  input: Generated<Json>;
  job_id: Generated<string>;
  kind: string;
  parent_job_id: string | null;
  permission: string;
  plan: Json | null;
  plan_hash: string | null;
  principal_id: string;
  reason: string | null;
  request_hash: string | null;
  request_id: string;
  response_body: Json | null;
  response_status: number | null;
  result: Json | null;
  run_number: Generated<number>;
  started_at: string | null;
  state: 'queued' | 'running' | 'undoing' | 'succeeded' | 'failed_rolled_back' | 'cancelled_rolled_back' | 'failed_kept' | 'cancelled_kept' | 'stuck';
  step_count: Generated<number>;
  steps_done: Generated<number>;
  stuck: Json | null;
  target_id: string;
  target_type: string;
  tenant_id: string | null;
  title: string;
  trace_id: string | null;
}

export interface JobSteps {
  attempts: Generated<number>;
  error: Json | null;
  finished_at: string | null;
  job_id: string;
  name: string;
  output: Json | null;
  point_of_no_return: boolean;
  progress: Json | null;
  started_at: string | null;
  state: Generated<'pending' | 'running' | 'succeeded' | 'failed' | 'cancelled' | 'undoing' | 'undone' | 'undo_failed' | 'undo_skipped'>;
  step_index: number;
  time_box_s: number;
  title: string;
  undo_attempts: Generated<number>;
  undo_finished_at: string | null;
  undo_started_at: string | null;
  undo_title: string | null;
}

export interface LinkedIdentities {
  created_at: Generated<string>;
  email: string | null;
  identity_id: Generated<string>;
  issuer: string;
  last_used_at: string | null;
  provider_id: string;
  subject: string;
  user_id: string;
}

export interface NodeIndex {
  checks: Generated<Json>;
  consumer_lag: number | null;
  environment: string;
  git_sha: string | null;
  host_id: string | null;
  inflight: number | null;
  kind: 'gateway' | 'aggregate' | 'projection' | 'runner';
  labels: Generated<Json>;
  load: Json | null;
  node_id: string;
  observed_at: string | null;
  placement_revision: number | null;
  problem: string | null;
  region: string | null;
  service_id: string | null;
  shards: Generated<string[]>;
  since: string;
  state: 'ready' | 'not_ready' | 'draining' | 'unreachable' | 'lying' | 'unknown';
  storage: Json | null;
  version: string | null;
}

export interface OneTimeSecrets {
  content: Generated<Json>;
  created_at: Generated<string>;
  expires_at: string;
  purpose: 'invitation' | 'password_reset' | 'passkey_sign_in' | 'passkey_proof' | 'passkey_enrolment' | 'provider_sign_in' | 'provider_link';
  secret_hash: Buffer;
  session_id: string | null;
  user_id: string | null;
}

export interface OrchestratorWatch {
  detail: string | null;
  environment: string;
  observed_at: string | null;
  revision: number | null;
  source: string;
  state: 'live' | 'rebuilding' | 'down';
}

export interface Passkeys {
  created_at: Generated<string>;
  credential_id: string;
  last_used_at: string | null;
  name: string;
  passkey_id: Generated<string>;
  public_key: Buffer;
  sign_count: number;
  synced: boolean;
  transports: string[];
  user_id: string;
}

export interface PlacementIndex {
  environment: string;
  epoch: number;
  job_id: string | null;
  revision: number;
  service: 'aggregate' | 'projection' | 'runner';
  shard: string;
  state: 'active' | 'draining' | 'moving';
  tenant_id: string;
  updated_at: string;
}

export interface PlacementWatch {
  detail: string | null;
  environment: string;
  mark: Generated<string>;
  observed_at: string | null;
  revision: number;
  state: 'live' | 'rebuilding' | 'down';
}

export interface Plans {
  expires_at: string;
  made_for: string;
  plan: Json;
  plan_hash: string;
}

export interface RecoveryCodes {
  code_hash: Buffer;
  created_at: Generated<string>;
  used_at: string | null;
  user_id: string;
}

export interface RetiredResources {
  delete_after: string;
  environment: string;
  job_id: string;
  kind: 'stream' | 'bucket';
  name: string;
  outcome: 'deleted' | 'absent' | 'kept' | 'restored' | null | null;
  retired_at: Generated<string>;
  settled_at: string | null;
  tenant_id: string;
}

export interface RevokedTokenSessions {
  expires_at: string;
  issuer: string;
  revoked_at: Generated<string>;
  session_id: string;
}

export interface Roles {
  built_in: Generated<boolean>;
  created_at: Generated<string>;
  description: string;
  permissions: string[];
  revision: Generated<number>;
  role_id: string;
  title: string;
  updated_at: Generated<string>;
}

export interface RoleSignInPolicies {
  methods: string[];
  mfa_required: boolean;
  role_id: string;
}

export interface RolloutAnnotations {
  attempts: Generated<number>;
  happened_at: string;
  job_id: string;
  next_attempt_at: Generated<string>;
  phase: 'started' | 'finished' | 'failed';
  state: Generated<'waiting' | 'written' | 'given_up'>;
}

export interface SchemaMigrations {
  applied_at: Generated<string>;
  checksum: string;
  name: string;
}

export interface SeenNetworks {
  first_seen_at: Generated<string>;
  ip: string;
  last_seen_at: Generated<string>;
  network: string;
  subject_id: string;
  subject_type: 'session' | 'api_token';
}

export interface ServiceIndex {
  digest: string | null;
  environment: string;
  image: string;
  kind: 'gateway' | 'aggregate' | 'projection' | 'runner' | null | null;
  labels: Generated<Json>;
  mode: 'replicated' | 'global';
  name: string;
  problem: string | null;
  replicas_current: number;
  replicas_desired: number | null;
  replicas_running: number;
  service_id: string;
  since: string;
  spec_digest: string;
  state: 'healthy' | 'updating' | 'degraded' | 'down' | 'paused' | 'rolled_back' | 'unknown';
  task_spec_digest: string;
  update: Json;
}

export interface ServiceRevisions {
  digest: string | null;
  environment: string;
  image: string;
  job_id: string | null;
  recorded_at: Generated<string>;
  replicas: number | null;
  revision: number;
  service_id: string;
  spec: string;
  spec_digest: string;
}

export interface Sessions {
  address: Generated<string | null>;
  authenticated_at: string;
  client: Generated<'browser' | 'cli'>;
  created_at: Generated<string>;
  device_browser: Generated<string | null>;
  device_system: Generated<string | null>;
  ended_at: string | null;
  ended_reason: string | null;
  expires_at: string;
  impersonation_id: string | null;
  ip: string;
  last_seen_at: Generated<string>;
  methods: Generated<string[]>;
  pending: 'second_factor' | 'enrolment' | null | null;
  session_id: Generated<string>;
  token_hash: Buffer;
  user_agent: string;
  user_id: string;
}

export interface SessionTokens {
  created_at: Generated<string>;
  expires_at: string;
  kind: 'access' | 'refresh';
  session_id: string;
  successor_salt: Buffer | null;
  token_hash: Buffer;
  used_at: string | null;
}

export interface ShardTotals {
  environment: string;
  service: string;
  shard: string;
  tenant_count: number;
}

export interface SignInThrottle {
  expire: number | null;
  key: string;
  points: Generated<number>;
}

export interface StepUpProofs {
  expires_at: string;
  proof_hash: Buffer;
  request_hash: string;
  session_id: string;
  used_at: string | null;
}

export interface TaskIndex {
  created_at: string;
  current: boolean;
  desired_state: 'new' | 'pending' | 'assigned' | 'accepted' | 'preparing' | 'ready' | 'starting' | 'running' | 'complete' | 'shutdown' | 'failed' | 'rejected' | 'remove' | 'orphaned';
  digest: string | null;
  environment: string;
  error: string | null;
  host_id: string | null;
  hostname: string | null;
  image: string;
  kind: 'gateway' | 'aggregate' | 'projection' | 'runner' | null | null;
  message: string | null;
  node_id: string | null;
  service_id: string;
  service_name: string;
  since: string;
  slot: number | null;
  state: 'new' | 'pending' | 'assigned' | 'accepted' | 'preparing' | 'ready' | 'starting' | 'running' | 'complete' | 'shutdown' | 'failed' | 'rejected' | 'remove' | 'orphaned';
  task_id: string;
  url: string | null;
  wanted: boolean;
}

export interface Tenants {
  billing: Generated<Json>;
  contact: Generated<Json>;
  created_at: Generated<string>;
  environments: string[];
  feature_flags: Generated<Json>;
  name: string;
  plan: 'bronze' | 'silver' | 'gold' | 'platinum';
  quotas: Generated<Json>;
  revision: Generated<number>;
  status: 'provisioning' | 'active' | 'draining' | 'migrating' | 'degraded' | 'suspended' | 'archived';
  status_since: Generated<string>;
  tenant_id: string;
  updated_at: Generated<string>;
}

export interface TenantTotals {
  count: number;
  environment: string;
  plan: string;
  status: string;
}

export interface TotpFactors {
  confirmed_at: string | null;
  created_at: Generated<string>;
  factor_id: Generated<string>;
  last_step: Generated<number>;
  sealed_secret: Buffer;
  user_id: string;
}

export interface Users {
  created_at: Generated<string>;
  display_name: string;
  email: string;
  kind: Generated<'person' | 'service_account'>;
  last_sign_in_at: string | null;
  password_hash: string | null;
  revision: Generated<number>;
  status: 'invited' | 'active' | 'suspended' | 'disabled' | 'deleted';
  tags: Generated<string[]>;
  updated_at: Generated<string>;
  user_id: Generated<string>;
}

export interface DB {
  api_tokens: ApiTokens;
  approval_comments: ApprovalComments;
  approval_decisions: ApprovalDecisions;
  approval_policies: ApprovalPolicies;
  approval_requests: ApprovalRequests;
  assignments: Assignments;
  audit_events: AuditEvents;
  detection_marks: DetectionMarks;
  detections: Detections;
  device_authorizations: DeviceAuthorizations;
  gateway_endings: GatewayEndings;
  gateway_session_watch: GatewaySessionWatch;
  gateway_sessions: GatewaySessions;
  host_index: HostIndex;
  impersonations: Impersonations;
  job_steps: JobSteps;
  jobs: Jobs;
  linked_identities: LinkedIdentities;
  node_index: NodeIndex;
  one_time_secrets: OneTimeSecrets;
  orchestrator_watch: OrchestratorWatch;
  passkeys: Passkeys;
  placement_index: PlacementIndex;
  placement_watch: PlacementWatch;
  plans: Plans;
  recovery_codes: RecoveryCodes;
  retired_resources: RetiredResources;
  revoked_token_sessions: RevokedTokenSessions;
  role_sign_in_policies: RoleSignInPolicies;
  roles: Roles;
  rollout_annotations: RolloutAnnotations;
  schema_migrations: SchemaMigrations;
  seen_networks: SeenNetworks;
  service_index: ServiceIndex;
  service_revisions: ServiceRevisions;
  session_tokens: SessionTokens;
  sessions: Sessions;
  shard_totals: ShardTotals;
  sign_in_throttle: SignInThrottle;
  step_up_proofs: StepUpProofs;
  task_index: TaskIndex;
  tenant_totals: TenantTotals;
  tenants: Tenants;
  totp_factors: TotpFactors;
  users: Users;
}

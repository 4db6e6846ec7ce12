/** Detections: suspicious activity that was noticed, with the figures that it was noticed by (PRD 1.2, 9). */
import { Type, type Static } from 'typebox';
import { listQuery, Mutated, Nullable, OneOf, Page, Reason, Timestamp, Uuid } from '../common.ts';
import { endpoint } from '../endpoint.ts';
import { body } from './fields.ts';
import { USER_STATUSES } from './users.ts';

export const DETECTION_KINDS = [
  'session_fan_out',
  'failed_sign_ins_account',
  'failed_sign_ins_address',
  'failed_second_factor',
  'ip_change',
  'token_new_network',
  'token_reuse',
] as const;
export type DetectionKind = (typeof DETECTION_KINDS)[number];

export const DETECTION_STATES = ['open', 'acknowledged', 'resolved'] as const;
export type DetectionState = (typeof DETECTION_STATES)[number];

/** Which state allows which action, and what follows. */
export const DETECTION_ACTIONS = {
  acknowledge: { from: ['open'], to: 'acknowledged' },
  resolve: { from: ['open', 'acknowledged'], to: 'resolved' },
} as const satisfies Record<string, { from: readonly DetectionState[]; to: DetectionState }>;
export type DetectionAction = keyof typeof DETECTION_ACTIONS;

export const DETECTION_SUBJECTS = ['user', 'address', 'session', 'api_token'] as const;

export const Detection = Type.Object({
  detection_id: Uuid,
  kind: OneOf(DETECTION_KINDS),
  summary: Type.String({ description: 'What happened, with the figures, in one sentence' }),
  subject_type: OneOf(DETECTION_SUBJECTS),
  subject_id: Type.String({ description: 'Id of a user, session or API token, or an address' }),
  subject_label: Type.String({ description: 'How a person knows it: an email, an address, a name' }),
  user_id: Nullable(Uuid),
  user_email: Nullable(Type.String()),
  user_name: Nullable(Type.String()),
  user_status: Nullable(OneOf(USER_STATUSES)),
  user_session_count: Type.Integer({ description: 'Live sessions of the user now' }),
  ip: Nullable(Type.String({ description: 'Where it came from, the last time' })),
  state: OneOf(DETECTION_STATES),
  count: Type.Integer({ description: 'How often it was seen while this was not resolved' }),
  measured: Type.Integer({ description: 'The most that was measured' }),
  threshold: Type.Integer({ description: 'What that was held against at the time' }),
  window_s: Nullable(Type.Integer({ description: 'Seconds over which it was measured' })),
  details: Type.Record(Type.String(), Type.String()),
  first_seen_at: Timestamp,
  last_seen_at: Timestamp,
  acknowledged_at: Nullable(Timestamp),
  acknowledged_by: Nullable(Type.String()),
  resolved_at: Nullable(Timestamp),
  resolved_by: Nullable(Type.String()),
  reason: Nullable(Type.String({ description: 'What was said when it was acknowledged or resolved' })),
});
export type Detection = Static<typeof Detection>;

const detectionParams = Type.Object({ detection_id: Uuid });

export const listDetections = endpoint({
  id: 'iam.detections.list',
  method: 'GET',
  path: '/admin/v1/iam/detections',
  summary: 'List detections of suspicious activity',
  permission: 'iam.detections.read',
  scope: 'none',
  step_up: 'none',
  query: listQuery(['last_seen_at', 'first_seen_at'], {
    kind: Type.Optional(OneOf(DETECTION_KINDS)),
    state: Type.Optional(OneOf([...DETECTION_STATES, 'unresolved'])),
    user_id: Type.Optional(Uuid),
    from: Type.Optional(Timestamp),
    to: Type.Optional(Timestamp),
    q: Type.Optional(
      Type.String({ maxLength: 100, description: 'Part of the email or name, or the start of the address' }),
    ),
  }),
  response: Page(Detection),
  status: 200,
});
export const getDetection = endpoint({
  id: 'iam.detections.get',
  method: 'GET',
  path: '/admin/v1/iam/detections/:detection_id',
  summary: 'See one detection',
  permission: 'iam.detections.read',
  scope: 'none',
  step_up: 'none',
  params: detectionParams,
  response: Detection,
  status: 200,
  problems: ['not_found'],
});
export const acknowledgeDetection = endpoint({
  id: 'iam.detections.acknowledge',
  method: 'POST',
  path: '/admin/v1/iam/detections/:detection_id/acknowledge',
  summary: 'Say that somebody looks into a detection',
  permission: 'iam.detections.resolve',
  scope: 'none',
  step_up: 'none',
  params: detectionParams,
  body: body({ reason: Reason }),
  response: Mutated({ detection: Detection }),
  status: 200,
  problems: ['not_found', 'action_not_allowed'],
});
export const resolveDetection = endpoint({
  id: 'iam.detections.resolve',
  method: 'POST',
  path: '/admin/v1/iam/detections/:detection_id/resolve',
  summary: 'Close a detection and say what came out; the next of its kind is a new one',
  permission: 'iam.detections.resolve',
  scope: 'none',
  step_up: 'none',
  params: detectionParams,
  body: body({ reason: Reason }),
  response: Mutated({ detection: Detection }),
  status: 200,
  problems: ['not_found', 'action_not_allowed'],
});

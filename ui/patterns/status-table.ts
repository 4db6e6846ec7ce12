/** Every state that the product shows: its word, its icon and its tone. One table, so that one state looks the same on every page. */
import {
  IconAlertTriangle,
  IconArchive,
  IconArrowBackUp,
  IconArrowsExchange,
  IconBan,
  IconCircleCheck,
  IconCircleDashed,
  IconCircleX,
  IconClock,
  IconEye,
  IconHourglass,
  IconLockX,
  IconMail,
  IconPlayerPause,
  IconPlayerTrackNext,
  IconPlugConnectedX,
  IconQuestionMark,
  IconUrgent,
} from '@tabler/icons-react';
import type { ApprovalState } from '#contract/approvals.ts';
import type { AUDIT_OUTCOMES } from '#contract/audit.ts';
import type { IssuerKeyState, SESSION_STATES, TokenState, UserStatus } from '#contract/iam.ts';
import type { DetectionState } from '#contract/iam/detections.ts';
import type { ImpersonationState } from '#contract/iam/impersonations.ts';
import type { JobState, StepState } from '#contract/jobs.ts';
import type { NodeTenantState } from '#contract/node.ts';
import type { PlacementState } from '#contract/placement-record.ts';
import type { NODE_STATES } from '#contract/scale.ts';
import type { TenantStatus } from '#contract/tenants.ts';
import { AVAILABILITY, HOST, SERVICE, TASK, UPDATE } from './fleet-status-table.ts';
import { ALERT, PART, SEVERITY, TARGET } from './observability-status-table.ts';
import { turning, well, type StatusLook } from './status-look.ts';

export type { StatusLook, Tone } from './status-look.ts';

const TENANT = {
  provisioning: turning('provisioning'),
  active: well('active'),
  draining: {
    word: 'draining',
    tone: 'progress',
    icon: IconHourglass,
    meaning: 'Finishes what is in flight; takes no new work',
  },
  migrating: {
    word: 'migrating',
    tone: 'progress',
    icon: IconArrowsExchange,
    meaning: 'A job moves it to another shard',
  },
  degraded: {
    word: 'degraded',
    tone: 'attention',
    icon: IconAlertTriangle,
    meaning: 'Served, but not as it should be',
  },
  suspended: { word: 'suspended', tone: 'neutral', icon: IconPlayerPause },
  archived: { word: 'archived', tone: 'neutral', icon: IconArchive },
} satisfies Record<TenantStatus, StatusLook>;

const JOB = {
  queued: { word: 'queued', tone: 'neutral', icon: IconClock },
  running: turning('running'),
  undoing: { word: 'undoing', tone: 'attention', icon: IconArrowBackUp, meaning: 'Goes back, step by step' },
  succeeded: { word: 'succeeded', tone: 'well', icon: IconCircleCheck },
  failed_rolled_back: {
    word: 'failed, rolled back',
    tone: 'failing',
    icon: IconCircleX,
    meaning: 'A step failed; everything was undone',
  },
  cancelled_rolled_back: {
    word: 'cancelled, rolled back',
    tone: 'neutral',
    icon: IconArrowBackUp,
    meaning: 'Cancelled; everything was undone',
  },
  failed_kept: {
    word: 'failed, rest kept',
    tone: 'failing',
    icon: IconCircleX,
    meaning: 'A step failed; what was done until then, or a part of it, stays, as the plan said',
  },
  cancelled_kept: {
    word: 'cancelled, rest kept',
    tone: 'neutral',
    icon: IconBan,
    meaning: 'Cancelled; what was done until then, or a part of it, stays, as the plan said',
  },
  stuck: {
    word: 'stuck',
    tone: 'failing',
    icon: IconUrgent,
    meaning: 'An undo failed: something is left half done',
  },
} satisfies Record<JobState, StatusLook>;

const STEP = {
  pending: { word: 'pending', tone: 'neutral', icon: IconCircleDashed },
  running: turning('running'),
  succeeded: { word: 'done', tone: 'well', icon: IconCircleCheck },
  failed: { word: 'failed', tone: 'failing', icon: IconCircleX },
  cancelled: { word: 'cancelled', tone: 'neutral', icon: IconBan },
  undoing: { word: 'undoing', tone: 'attention', icon: IconArrowBackUp },
  undone: { word: 'undone', tone: 'neutral', icon: IconArrowBackUp },
  undo_failed: { word: 'undo failed', tone: 'failing', icon: IconUrgent },
  undo_skipped: { word: 'undo skipped', tone: 'attention', icon: IconPlayerTrackNext },
} satisfies Record<StepState, StatusLook>;

const NODE = {
  ready: well('ready'),
  not_ready: {
    word: 'not ready',
    tone: 'failing',
    icon: IconCircleX,
    meaning: 'It answers, and says that it is not ready',
  },
  draining: { word: 'draining', tone: 'progress', icon: IconHourglass },
  unreachable: {
    word: 'unreachable',
    tone: 'failing',
    icon: IconPlugConnectedX,
    meaning: 'It did not answer',
  },
  lying: {
    word: 'lying',
    tone: 'failing',
    icon: IconAlertTriangle,
    meaning: 'Its answer does not fit the node contract',
  },
  unknown: { word: 'unknown', tone: 'neutral', icon: IconQuestionMark, meaning: 'Not observed yet' },
} satisfies Record<(typeof NODE_STATES)[number], StatusLook>;

const PLACEMENT = {
  active: well('active'),
  draining: { word: 'draining', tone: 'progress', icon: IconHourglass },
  moving: { word: 'moving', tone: 'progress', icon: IconArrowsExchange },
} satisfies Record<PlacementState, StatusLook>;

const SERVED = {
  absent: {
    word: 'absent',
    tone: 'neutral',
    icon: IconCircleDashed,
    meaning: 'The node does not serve the tenant',
  },
  active: well('active'),
  draining: { word: 'draining', tone: 'progress', icon: IconHourglass },
  drained: {
    word: 'drained',
    tone: 'neutral',
    icon: IconPlayerPause,
    meaning: 'No work is left, and none is taken',
  },
  unknown: {
    word: 'unknown',
    tone: 'attention',
    icon: IconQuestionMark,
    meaning: 'The node could not be asked',
  },
} satisfies Record<NodeTenantState | 'unknown', StatusLook>;

const USER = {
  invited: { word: 'invited', tone: 'neutral', icon: IconMail },
  active: well('active'),
  suspended: { word: 'suspended', tone: 'attention', icon: IconPlayerPause },
  disabled: { word: 'disabled', tone: 'neutral', icon: IconBan },
  deleted: { word: 'deleted', tone: 'neutral', icon: IconArchive },
} satisfies Record<UserStatus, StatusLook>;

const SESSION = {
  active: well('active'),
  pending: {
    word: 'not signed in yet',
    tone: 'progress',
    icon: IconCircleDashed,
    meaning: 'The password was right; the second factor is missing',
  },
  expired: { word: 'expired', tone: 'neutral', icon: IconClock },
  revoked: { word: 'revoked', tone: 'neutral', icon: IconLockX },
} satisfies Record<(typeof SESSION_STATES)[number], StatusLook>;

const TOKEN = {
  active: well('active'),
  retiring: {
    word: 'retiring',
    tone: 'progress',
    icon: IconArrowsExchange,
    meaning: 'Rotated: its successor works, and until its end so does this one',
  },
  expired: { word: 'expired', tone: 'neutral', icon: IconClock },
  revoked: { word: 'revoked', tone: 'neutral', icon: IconLockX },
} satisfies Record<TokenState, StatusLook>;

const ISSUER_KEYS = {
  unread: {
    word: 'keys not read',
    tone: 'neutral',
    icon: IconCircleDashed,
    meaning: 'No token has asked for them of late; the next one does',
  },
  current: well('keys current'),
  ageing: {
    word: 'keys ageing',
    tone: 'attention',
    icon: IconAlertTriangle,
    meaning: 'The issuer could not be asked; the known keys serve for an hour after they were read',
  },
  missing: {
    word: 'no keys',
    tone: 'failing',
    icon: IconPlugConnectedX,
    meaning: 'The issuer could not be asked, so its tokens are refused',
  },
} satisfies Record<IssuerKeyState, StatusLook>;

const DETECTION = {
  open: {
    word: 'open',
    tone: 'attention',
    icon: IconAlertTriangle,
    meaning: 'Nobody has looked into it yet',
  },
  acknowledged: {
    word: 'acknowledged',
    tone: 'progress',
    icon: IconEye,
    meaning: 'Somebody looks into it',
  },
  resolved: { word: 'resolved', tone: 'well', icon: IconCircleCheck },
} satisfies Record<DetectionState, StatusLook>;

const OUTCOME = {
  succeeded: { word: 'succeeded', tone: 'well', icon: IconCircleCheck },
  failed: { word: 'failed', tone: 'failing', icon: IconCircleX },
  denied: { word: 'denied', tone: 'attention', icon: IconBan },
} satisfies Record<(typeof AUDIT_OUTCOMES)[number], StatusLook>;

const WATCHER = {
  live: well('live'),
  rebuilding: turning('rebuilding'),
  down: { word: 'down', tone: 'failing', icon: IconPlugConnectedX },
} satisfies Record<'live' | 'rebuilding' | 'down', StatusLook>;

const APPROVAL = {
  waiting: { word: 'waiting', tone: 'progress', icon: IconHourglass, meaning: 'Nothing has happened yet' },
  applied: { word: 'applied', tone: 'well', icon: IconCircleCheck, meaning: 'Approved, and done at once' },
  rejected: { word: 'rejected', tone: 'failing', icon: IconCircleX },
  withdrawn: { word: 'withdrawn', tone: 'neutral', icon: IconArrowBackUp },
  voided: {
    word: 'void',
    tone: 'attention',
    icon: IconBan,
    meaning: 'It was no longer what was asked for',
  },
  expired: { word: 'expired', tone: 'neutral', icon: IconClock, meaning: 'It waited too long' },
} satisfies Record<ApprovalState, StatusLook>;

const IMPERSONATION = {
  active: { word: 'goes on', tone: 'attention', icon: IconEye, meaning: 'Somebody acts as another user now' },
  to_review: { word: 'to review', tone: 'progress', icon: IconHourglass },
  overdue: {
    word: 'review overdue',
    tone: 'failing',
    icon: IconUrgent,
    meaning: 'Until it is reviewed, who acted cannot begin another one',
  },
  reviewed: { word: 'reviewed', tone: 'well', icon: IconCircleCheck },
} satisfies Record<ImpersonationState, StatusLook>;

export const STATUS_TABLE = {
  impersonation: IMPERSONATION,
  approval: APPROVAL,
  tenant: TENANT,
  job: JOB,
  step: STEP,
  node: NODE,
  placement: PLACEMENT,
  served: SERVED,
  user: USER,
  session: SESSION,
  token: TOKEN,
  issuer_keys: ISSUER_KEYS,
  detection: DETECTION,
  outcome: OUTCOME,
  watcher: WATCHER,
  host: HOST,
  availability: AVAILABILITY,
  service: SERVICE,
  task: TASK,
  update: UPDATE,
  alert: ALERT,
  severity: SEVERITY,
  target: TARGET,
  part: PART,
};
export type StatusDomain = keyof typeof STATUS_TABLE;
export type StatusOf<D extends StatusDomain> = Extract<keyof (typeof STATUS_TABLE)[D], string>;

/** The look of a state; one that this build does not know yet is shown by its name. */
export const statusLook = (of: StatusDomain, status: string): StatusLook =>
  (STATUS_TABLE[of] as Record<string, StatusLook>)[status] ?? {
    word: status,
    tone: 'neutral',
    icon: IconQuestionMark,
  };

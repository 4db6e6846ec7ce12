/** States of what an orchestrator runs. */
import {
  IconAlertTriangle,
  IconArrowBackUp,
  IconBan,
  IconCircleCheck,
  IconCircleDashed,
  IconCircleX,
  IconClock,
  IconHourglass,
  IconPlayerPause,
  IconPlayerStop,
  IconPlugConnectedX,
  IconQuestionMark,
} from '@tabler/icons-react';
import type { Host, Service, Task, UpdateStatus } from '#contract/fleet.ts';
import { turning, well, type StatusLook } from './status-look.ts';

export const HOST = {
  ready: well('ready'),
  down: { word: 'down', tone: 'failing', icon: IconCircleX, meaning: 'The orchestrator has lost it' },
  disconnected: {
    word: 'disconnected',
    tone: 'failing',
    icon: IconPlugConnectedX,
    meaning: 'It cannot be reached by the orchestrator',
  },
  unknown: { word: 'unknown', tone: 'attention', icon: IconQuestionMark },
} satisfies Record<Host['state'], StatusLook>;

export const AVAILABILITY = {
  active: { ...well('active'), meaning: 'It takes tasks' },
  pause: {
    word: 'cordoned',
    tone: 'attention',
    icon: IconPlayerPause,
    meaning: 'It keeps its tasks but takes no more (availability pause)',
  },
  drain: {
    word: 'drain',
    tone: 'attention',
    icon: IconHourglass,
    meaning: 'It gives its tasks away and takes none',
  },
} satisfies Record<Host['availability'], StatusLook>;

export const SERVICE = {
  healthy: { ...well('healthy'), meaning: 'Every wanted task runs what it should' },
  updating: { ...turning('updating'), meaning: 'A change is under way' },
  degraded: {
    word: 'degraded',
    tone: 'attention',
    icon: IconAlertTriangle,
    meaning: 'Fewer tasks run than wanted, or one keeps failing',
  },
  down: { word: 'down', tone: 'failing', icon: IconCircleX, meaning: 'No task runs' },
  paused: {
    word: 'paused',
    tone: 'failing',
    icon: IconPlayerPause,
    meaning: 'The orchestrator gave up an update half way',
  },
  rolled_back: {
    word: 'rolled back',
    tone: 'attention',
    icon: IconArrowBackUp,
    meaning: 'The orchestrator took the last change back',
  },
  unknown: { word: 'unknown', tone: 'attention', icon: IconQuestionMark },
} satisfies Record<Service['state'], StatusLook>;

const waits = (word: string): StatusLook => ({ word, tone: 'progress', icon: IconClock });

export const TASK = {
  new: waits('new'),
  pending: { ...waits('pending'), meaning: 'No host has been found for it yet' },
  assigned: waits('assigned'),
  accepted: waits('accepted'),
  preparing: { ...turning('preparing'), meaning: 'The host gets its image' },
  ready: { ...waits('ready'), meaning: 'Prepared; not started yet' },
  starting: turning('starting'),
  running: well('running'),
  complete: { word: 'complete', tone: 'neutral', icon: IconCircleCheck, meaning: 'It ended by itself, well' },
  shutdown: { word: 'shutdown', tone: 'neutral', icon: IconPlayerStop, meaning: 'It was told to end' },
  failed: { word: 'failed', tone: 'failing', icon: IconCircleX, meaning: 'It ended with an error' },
  rejected: { word: 'rejected', tone: 'failing', icon: IconBan, meaning: 'The host could not run it' },
  remove: { word: 'remove', tone: 'neutral', icon: IconCircleDashed, meaning: 'Its service is gone' },
  orphaned: {
    word: 'orphaned',
    tone: 'attention',
    icon: IconPlugConnectedX,
    meaning: 'Its host has been away for too long to say',
  },
} satisfies Record<Task['state'], StatusLook>;

export const UPDATE = {
  none: { word: 'never changed', tone: 'neutral', icon: IconCircleDashed },
  updating: turning('updating'),
  paused: { word: 'paused', tone: 'failing', icon: IconPlayerPause },
  completed: { word: 'completed', tone: 'well', icon: IconCircleCheck },
  rollback_started: { ...turning('rolling back'), tone: 'attention' },
  rollback_paused: { word: 'rollback paused', tone: 'failing', icon: IconPlayerPause },
  rollback_completed: { word: 'rolled back', tone: 'attention', icon: IconArrowBackUp },
} satisfies Record<UpdateStatus['state'], StatusLook>;

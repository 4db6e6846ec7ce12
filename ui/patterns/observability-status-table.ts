/** States of what observes the platform: alerts, scrape targets and the parts of the stack. */
import {
  IconBell,
  IconCircleDashed,
  IconCircleX,
  IconClock,
  IconInfoCircle,
  IconPlugConnectedX,
  IconQuestionMark,
  IconTicket,
  IconUrgent,
} from '@tabler/icons-react';
import type { Alert, ObservabilityStatus, Target } from '#contract/observability.ts';
import { well, type StatusLook } from './status-look.ts';

export const SEVERITY = {
  page: { word: 'page', tone: 'failing', icon: IconUrgent, meaning: 'Somebody is called, day and night' },
  ticket: { word: 'ticket', tone: 'attention', icon: IconTicket, meaning: 'It waits for the morning' },
  info: { word: 'info', tone: 'neutral', icon: IconInfoCircle },
} satisfies Record<Alert['severity'], StatusLook>;

export const ALERT = {
  firing: { word: 'firing', tone: 'failing', icon: IconBell },
  pending: {
    word: 'pending',
    tone: 'attention',
    icon: IconClock,
    meaning: 'It is wrong, but not yet for as long as the rule wants',
  },
} satisfies Record<Alert['state'], StatusLook>;

export const TARGET = {
  up: well('up'),
  down: { word: 'down', tone: 'failing', icon: IconCircleX, meaning: 'Its last scrape failed' },
  unknown: { word: 'unknown', tone: 'neutral', icon: IconQuestionMark, meaning: 'Not scraped yet' },
} satisfies Record<Target['health'], StatusLook>;

export const PART = {
  connected: well('connected'),
  unreachable: {
    word: 'unreachable',
    tone: 'failing',
    icon: IconPlugConnectedX,
    meaning: 'It is configured and does not answer',
  },
  not_configured: { word: 'not configured', tone: 'neutral', icon: IconCircleDashed },
} satisfies Record<ObservabilityStatus['parts'][number]['state'], StatusLook>;

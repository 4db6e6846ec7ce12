/** What the UI makes of alerts. Pure. */
import type { Alert } from '#contract/observability.ts';

const STATES: readonly Alert['state'][] = ['firing', 'pending'];
const SEVERITIES: readonly Alert['severity'][] = ['page', 'ticket', 'info'];

/** What fires first, then what calls somebody, then the longest-standing; what is silenced stands last. */
export const byUrgency = (a: Alert, b: Alert): number =>
  Number(a.silenced) - Number(b.silenced) ||
  STATES.indexOf(a.state) - STATES.indexOf(b.state) ||
  SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity) ||
  a.active_since.localeCompare(b.active_since) ||
  a.alert_id.localeCompare(b.alert_id);

/** Labels that say where an alert comes from rather than what it is about. */
const OWN_LABELS = new Set(['alertname', 'alertgroup', 'severity', 'env', 'environment', '__name__']);

/** The labels of an alert that tell it from others of its name. */
export const tellingLabels = ({ labels }: Pick<Alert, 'labels'>): [string, string][] =>
  Object.entries(labels)
    .filter(([name]) => !OWN_LABELS.has(name))
    .toSorted(([a], [b]) => a.localeCompare(b));

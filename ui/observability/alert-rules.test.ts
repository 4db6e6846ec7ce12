import { describe, expect, it } from 'vitest';
import type { Alert } from '#contract/observability.ts';
import { byUrgency, tellingLabels } from './alert-rules.ts';

const alert = (alert_id: string, changes: Partial<Alert> = {}): Alert => ({
  alert_id,
  name: 'ErrorRatioHigh',
  state: 'firing',
  severity: 'page',
  summary: '7 % of the requests have failed for 5 minutes.',
  service: null,
  labels: {},
  value: null,
  active_since: '2026-01-01T12:00:00.000Z',
  silenced: false,
  runbook: null,
  dashboard_uid: null,
  dashboard_url: null,
  ...changes,
});

describe('alerts', () => {
  it('stand in the order of what calls somebody now, the longest-standing first, and the silenced last', () => {
    const order = [
      alert('silenced', { silenced: true }),
      alert('ticket', { severity: 'ticket' }),
      alert('pending', { state: 'pending' }),
      alert('young'),
      alert('old', { active_since: '2026-01-01T09:00:00.000Z' }),
    ]
      .toSorted(byUrgency)
      .map(({ alert_id }) => alert_id);
    expect(order).toEqual(['old', 'young', 'ticket', 'pending', 'silenced']);
  });
  it('are told apart by the labels that are not the same for all of the rule', () => {
    const labels = { alertname: 'ErrorRatioHigh', env: 'prod', severity: 'page', service: 'gateway' };
    expect(tellingLabels({ labels })).toEqual([['service', 'gateway']]);
  });
});

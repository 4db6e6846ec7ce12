import { describe, expect, it } from 'vitest';
import { alertsShown, MOST_ALERTS } from './alert-rules.ts';
import type { ReportedAlert } from './alert-source.ts';

const links = { dashboardUrl: (uid: string) => `https://grafana/d/${uid}` };
const alert = (labels: Record<string, string>, fields: Partial<ReportedAlert> = {}): ReportedAlert => ({
  labels: { alertname: 'ServiceDown', severity: 'page', env: 'prod', ...labels },
  annotations: { summary: 'It is down' },
  state: 'firing',
  value: 3,
  active_since: '2026-05-01T12:00:00.000Z',
  silenced: false,
  ...fields,
});
const shown = (...reported: ReportedAlert[]) => alertsShown('prod', reported, links);

describe('alerts of an environment', () => {
  it('are its own, those that the control plane raises about it, those about the control plane, and those of nowhere', () => {
    const nowhere = alert({ instance: 'nowhere' });
    delete nowhere.labels['env'];
    const { items } = shown(
      alert({ instance: 'own' }),
      alert({ instance: 'others', env: 'dev' }),
      alert({ instance: 'about', env: 'control', environment: 'prod' }),
      alert({ instance: 'about-others', env: 'control', environment: 'dev' }),
      alert({ instance: 'control', env: 'control' }),
      nowhere,
    );
    expect(new Set(items.map(({ labels }) => labels['instance']))).toEqual(
      new Set(['about', 'control', 'nowhere', 'own']),
    );
  });

  it('are without the watchdog, which fires always', () => {
    expect(shown(alert({ alertname: 'Watchdog', severity: 'info' })).items).toEqual([]);
  });

  it('are one where vmalert and Alertmanager report the same labels, with what each of them knows', () => {
    const fromVmalert = alert({ instance: 'a' });
    const reordered = Object.fromEntries(Object.entries(fromVmalert.labels).toReversed());
    const fromAlertmanager = alert({}, { labels: reordered, value: null, silenced: true });
    for (const order of [
      [fromVmalert, fromAlertmanager],
      [fromAlertmanager, fromVmalert],
    ]) {
      expect(shown(...order).items).toMatchObject([{ value: 3, silenced: true }]);
    }
  });

  it('begin with what is urgent: firing, heard, pages, newest', () => {
    const { items } = shown(
      alert({ instance: 'pending' }, { state: 'pending' }),
      alert({ instance: 'silenced' }, { silenced: true }),
      alert({ instance: 'ticket', severity: 'ticket' }),
      alert({ instance: 'odd', severity: 'apocalypse' }),
      alert({ instance: 'old' }),
      alert({ instance: 'new' }, { active_since: '2026-05-01T13:00:00.000Z' }),
    );
    expect(items.map(({ labels }) => labels['instance'])).toEqual([
      'new',
      'old',
      'ticket',
      'odd',
      'silenced',
      'pending',
    ]);
    expect(items[3]?.severity).toBe('info');
  });

  it('are bounded, and say how many are not shown', () => {
    const many = Array.from({ length: MOST_ALERTS + 7 }, (_, index) => alert({ instance: String(index) }));
    const { items, dropped } = shown(...many);
    expect([items.length, dropped]).toEqual([MOST_ALERTS, 7]);
  });

  it.each([
    ['https://evil.example/docs/runbooks/a.md', 'https://evil.example/d/x'],
    ['docs/runbooks/../../secrets.md', '//evil.example/d/x'],
    ['javascript:alert(1)', '/d/a"onclick='],
    ['', ''],
  ])('never link to what is not ours: %s, %s', (runbook, dashboard) => {
    expect(shown(alert({}, { annotations: { runbook, dashboard } })).items).toMatchObject([
      { summary: 'ServiceDown', runbook: null, dashboard_uid: null, dashboard_url: null },
    ]);
  });
});

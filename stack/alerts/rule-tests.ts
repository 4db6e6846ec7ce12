/** The figures of the examples, and what the alerts should say of them. */
import { alertRule } from './alert.ts';
import { ALERT_EXAMPLES } from './alert-examples.ts';
import { ALERTS } from './rule-files.ts';

/**
 * A test of all alerts at once, as vmalert-tool and promtool read it: their examples use different metrics, or agree. `missing` gives them
 * no figure at all. `rules` are the paths of the rule files.
 */
export function ruleTest(kind: 'firing' | 'silent' | 'missing', rules: readonly string[]): object {
  const series = new Map<string, string>();
  if (kind !== 'missing') {
    for (const example of Object.values(ALERT_EXAMPLES)) {
      for (const [name, values] of Object.entries(example[kind])) series.set(name, values);
    }
  }
  return {
    rule_files: rules,
    evaluation_interval: '1m',
    group_eval_order: ['build-info', 'slo-objectives', 'slo-errors-5m', 'slo-burn'],
    tests: [
      {
        interval: '1m',
        input_series: [...series].map(([name, values]) => ({ series: name, values })),
        alert_rule_test: ALERTS.map((alert) => {
          const example = ALERT_EXAMPLES[alert.name];
          // Without any series there is no target either: that, and nothing else, is reported.
          const fires = alert.name === 'MetricsMissing' ? kind === 'missing' : kind === 'firing';
          return {
            eval_time: example?.at ?? '10m',
            alertname: alert.name,
            exp_alerts: fires ? expectedAlerts(alert) : [],
          };
        }),
      },
    ],
  };
}

function expectedAlerts(alert: (typeof ALERTS)[number]): object[] {
  const { labels, annotations } = alertRule(alert);
  const { also, ...example } = ALERT_EXAMPLES[alert.name] ?? { labels: {}, summary: annotations.summary };
  return [example, ...(also ? [also] : [])].map(({ labels: own, summary }) => ({
    exp_labels: { ...labels, ...own },
    exp_annotations: {
      ...annotations,
      summary,
      dashboard: annotations.dashboard.replace(/\{\{.*\}\}/, own['environment'] ?? own['env'] ?? ''),
    },
  }));
}

import { controlMetrics } from './control-metrics.ts';
import { type Metric } from './metric.ts';
import { platformMetrics } from './platform-metrics.ts';
import { SERIES_BUDGET } from './series-budget.ts';

const INTRODUCTION = `# Metrics contract

What every platform service and the control plane answer to \`GET /metrics\`. Dashboards, alerts and the Admin UI rely on exactly these
names and labels. This file is generated from \`stack/metric-catalogue/\` by \`npm run generate\`.

## Rules

- **Format.** Prometheus text, in at most 5 seconds and 16 MiB. A figure that cannot be read is left out; the others are answered.
- **Labels of every series.** \`service\` (the node kind: few, stable values) and \`env\` (the environment's name). Platform services export
  both themselves; the scrape adds them to everybody else, and \`job\` and \`instance\` to all. \`instance\` is stable over restarts: service and
  slot, or the host's name for a service that runs on every host.
- **Units** are base units, and stand in the name: seconds, bytes, ratios from 0 to 1. Counters end in \`_total\`.
- **Build.** Each service exports \`<service>_build_info\` with \`version\` and \`git_sha\`, always 1. Comparisons of versions join it by \`env\`,
  \`service\` and \`instance\`.
- **A counter's series stands at 0** before the first event, for each value of a label that is known in advance. Otherwise the first
  failure is invisible to \`rate\`.
- **No secret, personal datum, user id, request id, raw path or error text** is ever a label.

## Tenants and cardinality

Who hurts us, and which endpoint hurts us, are two questions with two families of metrics. They are never multiplied:

| family      | labels                                   | series of one instance                                        |
| ----------- | ---------------------------------------- | ------------------------------------------------------------- |
| route-only  | \`path\` (template), \`method\`, \`status\`    | routes × methods × statuses, × (buckets + 2) for a histogram  |
| tenant-only | \`tenant_id\`, at most one small label more | 21 × values of the other label, × (buckets + 2), buckets ≤ 8   |

- **Top 20 and \`other\`.** A tenant-labelled metric has series of its own for at most 20 tenants on an instance; all others are counted as
  \`tenant_id="other"\`, so that sums stay exact. The limit holds with 10 tenants as with 10,000.
- **Hysteresis.** The ranking (by rate since the last one) is made every 10 seconds, after what was done until then was counted. A tenant
  among the first 20 takes a free place. When none is free it takes that of the lightest tenant beyond the first 20, if it outweighs that by
  half: an attacker is named at once, and tenants at the edge do not flap. A tenant loses its place when it has been outside of the first 30
  for three rankings in a row. \`contract/top-tenants.ts\` is this rule as code.
- **Leaving and coming back.** A tenant that leaves loses its series, and further counts go to \`other\`. Counts are never moved from one series
  to another: a counter does not go down. One that enters is shown at 0 first, also when it comes back; so \`rate\` sees a counter that began
  anew, misses nothing and counts nothing twice.
- **A tenant that is called \`other\`** never has a place.
- **A tenant and a route together** only for an allowlist of routes, at most 5 and fixed at build time. There is none today.
- **Budgets.** ${SERIES_BUDGET.node.toLocaleString('en')} series from one node, ${SERIES_BUDGET.control.toLocaleString('en')} from the control plane (\`series_limit\` of the scrape jobs);
  what exceeds it is dropped. vmagent and the store have a budget for the hour; \`SeriesBudgetNearlyUsed\` is raised at 90 %.

Metrics marked *wanted* are in the contract, and panels and alerts for them exist; the control plane does not export them yet.

## Several replicas of the control plane

Each replica exports what its own process does. What it reads from the database about all of them (sign-ins, sessions, audit events) and
about environments (tasks, rollouts, placed tenants) the leader alone exports or counts: add up over replicas. What describes
the watch itself (\`control_nodes\`, \`control_placement_*\`, \`control_jobs\`) every replica exports alike: take the largest.
`;

/** `docs/metrics-contract.md`: the rules, and a table for each source that this project defines. */
export function metricsContract(): string {
  const bySource = Map.groupBy(
    Object.entries({ ...platformMetrics, ...controlMetrics } as Record<string, Metric>),
    ([, { source }]) => source,
  );
  const sections = [...bySource].map(([source, metrics]) =>
    [
      `## ${source.charAt(0).toUpperCase()}${source.slice(1)}`,
      '',
      '| metric | type | unit | labels | meaning |',
      '| --- | --- | --- | --- | --- |',
      ...metrics.map(([name, metric]) => row(name, metric)),
      '',
    ].join('\n'),
  );
  return [INTRODUCTION, ...sections].join('\n');
}

function row(name: string, { type, unit, labels, help, state, buckets }: Metric): string {
  const limits = buckets ? ` Buckets: ${buckets.join(', ')}.` : '';
  const wanted = state === 'wanted' ? ' *Wanted.*' : '';
  const cells = [
    `\`${name}\``,
    type,
    unit,
    labels.map((label) => `\`${label}\``).join(', '),
    help + limits + wanted,
  ];
  return `| ${cells.join(' | ')} |`;
}

/** What a dashboard waits for: all its queries over 24 hours of an environment's series, at the resolution that Grafana asks for. */
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { OWNER, freePort, signIn, startControl, temporaryFolder, waitFor } from '../e2e/control-process.ts';
import type { ObservabilityStatus } from '#contract/observability.ts';
import { root } from '#tools/setup.mjs';
import { dashboards, filled } from '#tools/stack-queries.ts';
import { ask, importRecorded, pathWithMetrics } from '#tools/test-metrics.ts';
import { median, printTable } from './bench-tools.ts';

const ENVIRONMENT = 'prod';
const TENANTS = 2_000;
const DAY_S = 86_400;
const SCRAPE_S = 15;
/** A panel of a third of the page has some 480 points to draw. */
const STEP_S = DAY_S / 480;
/** Grafana's $__rate_interval: a step and a scrape. */
const WINDOW = `${STEP_S + SCRAPE_S}s`;
/** A browser has so many connections to a server. */
const CONNECTIONS = 6;
const ROUNDS = 5;
const GOAL_MS = 1_000;

interface Exported {
  metric: Record<string, string>;
  values: number[];
}

const { folder, remove } = await temporaryFolder();
const control = await startControl({
  args: ['--metrics', '--tenants', String(TENANTS)],
  dataDir: folder,
  port: await freePort(),
  env: { PATH: pathWithMetrics(), CONTROL_OWNER_EMAIL: OWNER.email },
});
try {
  const caller = await signIn(control.url);
  const { body } = await caller.call<ObservabilityStatus>(
    'GET',
    `/observability/status?environment=${ENVIRONMENT}`,
  );
  const metricsUrl =
    /http:\S+/.exec(body.parts.find(({ part }) => part === 'metrics')?.address ?? '')?.[0] ?? '';
  const series = await fillADay(metricsUrl);
  const rows: { title: string; queries: number; ms: number }[] = [];
  for (const { title, panels } of dashboards()) {
    const queries = panels
      .flatMap(({ targets = [] }) => targets)
      .filter(({ datasource }) => datasource.type === 'prometheus')
      .map(({ expr, instant = false }) => ({ expr: filled(expr, ENVIRONMENT, WINDOW), instant }));
    const times: number[] = [];
    for (let round = 0; round < ROUNDS; round += 1) times.push(await timeOf(metricsUrl, queries));
    rows.push({ title, queries: queries.length, ms: median(times) });
  }
  rows.sort((one, other) => other.ms - one.ms);
  printTable(
    ['dashboard, 24 h', 'queries', 'all answered, median', 'goal'],
    rows.map(({ title, queries, ms }, index) => [
      title,
      String(queries),
      `${ms.toFixed(0)} ms`,
      index === 0 ? `≤ ${GOAL_MS.toLocaleString('en')} ms` : '',
    ]),
  );
  process.stdout.write(
    `\n${series.toLocaleString('en')} series of one environment with ${TENANTS.toLocaleString('en')} tenants, a sample each ${SCRAPE_S} s, nothing cached.\n`,
  );
} finally {
  await control.stop();
  await remove();
}

/** Gives each series that the platform has, and those of the exporters that do not run here, a day of samples; answers how many there are. */
async function fillADay(metricsUrl: string): Promise<number> {
  const fixtures = path.join(root, 'stack/fixtures');
  for (const file of readdirSync(fixtures)) {
    const service = file.replace('.prom', '');
    await importRecorded(metricsUrl, path.join(fixtures, file), {
      env: ENVIRONMENT,
      service,
      instance: 'host-1',
    });
  }
  // The recordings come after the scrapes.
  await waitFor(
    'recordings',
    () => ask(metricsUrl, 'slo:objective:ratio'),
    (found) => found.length > 0,
    180_000,
  );
  const matches = [`{env=~"${ENVIRONMENT}|control"}`, `{environment="${ENVIRONMENT}"}`];
  const query = new URLSearchParams(matches.map((match) => ['match[]', match]));
  const text = await (await fetch(`${metricsUrl}/api/v1/export?${query}`)).text();
  const lines = text.split('\n').filter((line) => line !== '');
  const now = Date.now();
  const count = DAY_S / SCRAPE_S;
  const timestamps = Array.from({ length: count }, (_, at) => now - (count - at) * SCRAPE_S * 1000).join();
  const chunk = 100;
  for (let from = 0; from < lines.length; from += chunk) {
    const rows = lines.slice(from, from + chunk).map((line) => {
      const { metric, values } = JSON.parse(line) as Exported;
      return `{"metric":${JSON.stringify(metric)},"values":[${dayOf(metric['__name__'] ?? '', values, count)}],"timestamps":[${timestamps}]}`;
    });
    const answer = await fetch(`${metricsUrl}/api/v1/import`, { method: 'POST', body: rows.join('\n') });
    if (!answer.ok) throw new Error(`VictoriaMetrics took no samples: ${await answer.text()}`);
  }
  await fetch(`${metricsUrl}/internal/force_flush`);
  return lines.length;
}

/** A counter that grew evenly to what it is, or a gauge that swings about it. */
function dayOf(name: string, values: readonly number[], count: number): string {
  const last = values.at(-1) ?? 0;
  const grows = /_(total|bucket|count|sum)$|^db_pgops$/.test(name);
  return Array.from({ length: count }, (_, at) =>
    grows ? ((last * (at + 1)) / count).toFixed(3) : (last * (1 + Math.sin(at / 400) / 10)).toFixed(3),
  ).join();
}

/** Milliseconds until all queries of a dashboard are answered. */
async function timeOf(
  metricsUrl: string,
  queries: readonly { expr: string; instant: boolean }[],
): Promise<number> {
  const waiting = [...queries];
  const began = performance.now();
  const connection = async (): Promise<void> => {
    for (let query = waiting.pop(); query !== undefined; query = waiting.pop()) {
      const end = Math.floor(Date.now() / 1000);
      const [call, range] = query.instant
        ? ['query', { time: String(end) }]
        : ['query_range', { start: String(end - DAY_S), end: String(end), step: String(STEP_S) }];
      const answer = await fetch(`${metricsUrl}/api/v1/${call}`, {
        method: 'POST',
        body: new URLSearchParams({ query: query.expr, nocache: '1', ...range }),
      });
      if (!answer.ok) throw new Error(`${query.expr}: ${await answer.text()}`);
      await answer.arrayBuffer();
    }
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, connection));
  return performance.now() - began;
}

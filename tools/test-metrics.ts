/** For tests and benchmarks on a real VictoriaMetrics: its programs, expositions of other exporters put into it, and questions to it. */
import { dirname, delimiter } from 'node:path';
import { readFile } from 'node:fs/promises';

import { programEnvironment } from './setup.mjs';
import { findVictoriaMetrics } from './victoria-metrics.mjs';

/** PATH on which a server that is started with --metrics finds the programs; they come in one package. */
export function pathWithMetrics(): string {
  const found = findVictoriaMetrics('victoria-metrics');
  if (!('path' in found)) throw new Error(found.reason);
  return [programEnvironment().PATH, dirname(found.path)].join(delimiter);
}

export interface Series {
  metric: Record<string, string>;
  value: [time: number, value: string];
}

/** The series that a query answers now; NaN is no answer. */
export async function ask(metricsUrl: string, query: string): Promise<Series[]> {
  const answer = await fetch(`${metricsUrl}/api/v1/query`, {
    method: 'POST',
    body: new URLSearchParams({ query, nocache: '1' }),
  });
  const body = (await answer.json()) as { error?: string; data?: { result: Series[] } };
  if (body.data === undefined) throw new Error(`${body.error ?? answer.status}: ${query}`);
  return body.data.result.filter(({ value: [, value] }) => value !== 'NaN');
}

/** Labels that a scrape would have put on the series. */
export interface TargetLabels {
  env: string;
  service: string;
  instance: string;
}

/** Takes an exposition in as it is, with the time of now. */
export async function importExposition(
  metricsUrl: string,
  text: string,
  { env, service, instance }: TargetLabels,
): Promise<void> {
  const labels = Object.entries({ env, service, instance, job: service });
  const query = new URLSearchParams(labels.map(([label, value]) => ['extra_label', `${label}=${value}`]));
  const answer = await fetch(`${metricsUrl}/api/v1/import/prometheus?${query}`, {
    method: 'POST',
    body: text,
  });
  if (!answer.ok) throw new Error(`the exposition was not taken: ${await answer.text()}`);
}

/** Seconds. */
const PAST = 900;
const STEP = 15;

/**
 * Takes a recorded exposition in as if it had been scraped for a quarter of an hour and went on for some minutes: counters and
 * histograms grow by a hundredth at each step, gauges stay. `@now-N` in it stands for a time.
 */
export async function importRecorded(metricsUrl: string, file: string, labels: TargetLabels): Promise<void> {
  const now = Math.floor(Date.now() / 1000);
  const text = (await readFile(file, 'utf8')).replaceAll(/@now-(\d+)/g, (_match, ago: string) =>
    String(now - Number(ago)),
  );
  const growing = new Set(
    [...text.matchAll(/^# TYPE (\S+) (counter|histogram|untyped)$/gm)].map(([, name]) => name),
  );
  const samples = [...text.matchAll(/^([a-zA-Z_:][\w:]*)(\{.*\})? (\S+)$/gm)];
  const lines: string[] = [];
  for (let at = now - PAST; at <= now + PAST / 2; at += STEP) {
    const grown = 1 + (at - now + PAST) / STEP / 100;
    for (const [, name = '', own = '', value] of samples) {
      const grows = growing.has(name) || growing.has(name.replace(/_(bucket|count|sum)$/, ''));
      lines.push(`${name}${own} ${Number(value) * (grows ? grown : 1)} ${at * 1000}`);
    }
  }
  await importExposition(metricsUrl, `${lines.join('\n')}\n`, labels);
}

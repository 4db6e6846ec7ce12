/**
 * VictoriaMetrics, vmagent and vmalert for the embedded mode, from programs that the machine has: the store with its data below one
 * folder, scrapes of everything that runs here, and the stack's own alert and recording rules.
 */
import { accessSync, constants } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';

import { EmbeddedMetricsError, type GuardedServer, startGuardedServer } from './guarded-server.ts';
import { type EmbeddedTargets, scrapeConfiguration } from './scrape-configuration.ts';

export { EmbeddedMetricsError } from './guarded-server.ts';

const PROGRAMS = ['victoria-metrics', 'vmagent', 'vmalert'] as const;
export type MetricsProgram = (typeof PROGRAMS)[number];

export interface EmbeddedMetricsOptions {
  /** Holds data, logs and the scrape configuration; made when absent. */
  folder: string;
  programs: Readonly<Record<MetricsProgram, string>>;
  targets: Omit<EmbeddedTargets, 'platform'> & { platform: { url: string; token: string } };
  /** Rule files of vmalert. */
  rules: readonly string[];
  /** Time between two scrapes, as Prometheus writes it. */
  interval?: string;
}

export interface EmbeddedMetrics {
  /** Query API. */
  metricsUrl: string;
  /** vmalert. */
  alertsUrl: string;
  /** vmagent. */
  targetsUrl: string;
  stop(): Promise<void>;
}

/** The programs on PATH. Throws EmbeddedMetricsError that says what is missing. */
export function findMetricsPrograms(searchPath: string): Record<MetricsProgram, string> {
  const folders = searchPath.split(path.delimiter);
  const find = (program: string): string | undefined =>
    folders.map((folder) => path.join(folder, program)).find(isExecutable);
  const found = PROGRAMS.map((program) => [program, find(program)] as const);
  const missing = found.filter(([, file]) => file === undefined).map(([program]) => program);
  if (missing.length > 0) {
    throw new EmbeddedMetricsError(
      `--metrics needs ${PROGRAMS.join(', ')} on PATH, and there is no ${missing.join(', no ')}; install VictoriaMetrics or start without --metrics.`,
    );
  }
  return Object.fromEntries(found) as Record<MetricsProgram, string>;
}

/** Resolves when all three listen. They end with this process. */
export async function startEmbeddedMetrics(options: EmbeddedMetricsOptions): Promise<EmbeddedMetrics> {
  const { folder, programs, targets, rules, interval = '15s' } = options;
  await mkdir(folder, { recursive: true });
  const started: GuardedServer[] = [];
  const stop = async (): Promise<void> => {
    for (const server of started.toReversed()) await server.stop();
  };
  const start = async (program: MetricsProgram, args: string[]): Promise<string> => {
    const logFile = path.join(folder, `${program}.log`);
    const server = await startGuardedServer({ program: programs[program], args, logFile });
    started.push(server);
    return server.url;
  };
  const scrapes = path.join(folder, 'scrape.json');
  const tokenFile = path.join(folder, 'node-token');
  try {
    const metricsUrl = await start('victoria-metrics', [
      `-storageDataPath=${path.join(folder, 'data')}`,
      '-retentionPeriod=7d',
      '-memory.allowedBytes=256MiB',
      // Nothing is under way for longer on one machine.
      '-search.latencyOffset=1s',
    ]);
    const alertsUrl = await start('vmalert', [
      ...rules.map((file) => `-rule=${file}`),
      `-datasource.url=${metricsUrl}`,
      `-remoteWrite.url=${metricsUrl}`,
      `-remoteRead.url=${metricsUrl}`,
      '-rule.evalDelay=1s',
      '-notifier.blackhole',
    ]);
    await writeFile(tokenFile, targets.platform.token, { mode: 0o600 });
    await writeFile(scrapes, '{"scrape_configs": []}\n');
    const targetsUrl = await start('vmagent', [
      `-promscrape.config=${scrapes}`,
      '-promscrape.httpSDCheckInterval=5s',
      '-promscrape.suppressScrapeErrors',
      // As in stack/scrape/.
      '-remoteWrite.maxHourlySeries=300000',
      `-remoteWrite.url=${metricsUrl}/api/v1/write`,
      `-remoteWrite.tmpDataPath=${path.join(folder, 'queue')}`,
    ]);
    const stack = { 'victoria-metrics': metricsUrl, vmalert: alertsUrl, vmagent: targetsUrl };
    const platform = { url: targets.platform.url, tokenFile };
    await writeFile(scrapes, scrapeConfiguration({ ...targets, platform }, stack, interval));
    await reload(targetsUrl);
    return { metricsUrl, alertsUrl, targetsUrl, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** vmagent scrapes itself, and its port is known only when it listens. */
async function reload(vmagent: string): Promise<void> {
  const answer = await fetch(`${vmagent}/-/reload`, { method: 'POST' });
  if (!answer.ok)
    throw new EmbeddedMetricsError(`vmagent did not take its configuration (${answer.status}).`);
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

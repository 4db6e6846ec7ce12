/** Real VictoriaMetrics, vmagent, vmalert and Alertmanager for tests, on free ports with their data in the run's temporary folder. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { vi } from 'vitest';
import { stringify } from 'yaml';

import { testFolder } from '#server/db/test-database.ts';
import { findAlertmanager } from './prometheus-programs.mjs';
import { findVictoriaMetrics } from './victoria-metrics.mjs';

const START_LIMIT_MS = 20_000;

export interface TestMetricServers {
  metrics_url: string;
  alerts_url: string;
  targets_url: string;
  /** Null where no Alertmanager can be had. */
  alertmanager_url: string | null;
  /** Puts samples in the Prometheus text format with timestamps in milliseconds into the store. */
  importSamples: (text: string) => Promise<void>;
  stop: () => Promise<void>;
}

/** For `describe.skipIf`: why the servers cannot be had, or null. */
export function whyNoMetricServers(): string | null {
  for (const program of ['victoria-metrics', 'vmagent', 'vmalert']) {
    const found = findVictoriaMetrics(program);
    if ('reason' in found) return found.reason;
  }
  return null;
}

/** Starts the four with these groups of rules and these scrape jobs, both as their files have them. */
export async function startTestMetricServers(options: {
  rule_groups: object[];
  scrape_configs: object[];
}): Promise<TestMetricServers> {
  const folder = await mkdtemp(join(testFolder(), 'metrics-'));
  const children: ChildProcess[] = [];
  const file = async (name: string, content: object): Promise<string> => {
    const path = join(folder, name);
    await writeFile(path, stringify(content));
    return path;
  };

  async function start(command: readonly string[], ready: string, flags: (address: string) => string[]) {
    const [program = '', ...words] = command;
    const address = await freeAddress();
    const child = spawn(program, [...words, ...flags(address)], { stdio: ['ignore', 'pipe', 'pipe'] });
    children.push(child);
    let said = '';
    child.stdout.on('data', (chunk: Buffer) => (said = (said + chunk.toString()).slice(-4_000)));
    child.stderr.on('data', (chunk: Buffer) => (said = (said + chunk.toString()).slice(-4_000)));
    await vi.waitFor(
      async () => {
        const answer = await fetch(`http://${address}${ready}`).catch(() => undefined);
        if (answer?.status !== 200) throw new Error(`${program} did not start: ${said}`);
      },
      { timeout: START_LIMIT_MS, interval: 50 },
    );
    return `http://${address}`;
  }
  const victoria = (program: string, flags: string[]): Promise<string> => {
    const found = findVictoriaMetrics(program);
    if ('reason' in found) throw new Error(found.reason);
    return start([found.path], '/health', (address) => [`-httpListenAddr=${address}`, ...flags]);
  };
  async function alertmanager(): Promise<string | null> {
    const found = findAlertmanager();
    if (!('command' in found)) return null;
    const config = await file('alertmanager.yaml', {
      route: { receiver: 'none' },
      receivers: [{ name: 'none' }],
    });
    return start(found.command, '/-/ready', (address) => [
      `--config.file=${config}`,
      `--storage.path=${join(folder, 'alertmanager')}`,
      `--web.listen-address=${address}`,
      '--cluster.listen-address=',
    ]);
  }

  // The newest samples count at once, not after half a minute.
  const [metrics_url, alertmanager_url] = await Promise.all([
    victoria('victoria-metrics', [
      `-storageDataPath=${join(folder, 'store')}`,
      '-search.latencyOffset=0s',
      '-search.disableCache',
    ]),
    alertmanager(),
  ]);
  const [targets_url, alerts_url] = await Promise.all([
    victoria('vmagent', [
      `-remoteWrite.url=${metrics_url}/api/v1/write`,
      `-remoteWrite.tmpDataPath=${join(folder, 'vmagent')}`,
      '-remoteWrite.flushInterval=200ms',
      `-promscrape.config=${await file('scrape.yaml', { scrape_configs: options.scrape_configs })}`,
    ]),
    victoria('vmalert', [
      `-datasource.url=${metrics_url}`,
      '-rule.evalDelay=0s',
      `-rule=${await file('rules.yaml', { groups: options.rule_groups })}`,
      ...(alertmanager_url === null ? ['-notifier.blackhole'] : [`-notifier.url=${alertmanager_url}`]),
    ]),
  ]);
  return {
    metrics_url,
    alerts_url,
    targets_url,
    alertmanager_url,
    importSamples: async (text) => {
      const { status } = await fetch(`${metrics_url}/api/v1/import/prometheus`, {
        method: 'POST',
        body: text,
      });
      if (status !== 204) throw new Error(`The store did not take the samples (${status}).`);
      // What was written can be read from then on.
      await fetch(`${metrics_url}/internal/force_flush`);
    },
    stop: async () => {
      await Promise.all(
        children.map(async (child) => {
          if (child.exitCode !== null || child.signalCode !== null) return;
          const ended = once(child, 'exit');
          child.kill('SIGKILL');
          await ended;
        }),
      );
    },
  };
}

async function freeAddress(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return `127.0.0.1:${port}`;
}

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';

import { findPromtool } from '#tools/prometheus-programs.mjs';
import { findVictoriaMetrics } from '#tools/victoria-metrics.mjs';
import { scrapeFiles } from './scrape-files.ts';
import { HOURLY_SERIES, SCRAPE_JOBS } from './scrape-jobs.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'control-scrape-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const files = Object.entries(scrapeFiles()).map(([path, text]) => ({ name: path.split('/').at(-1)!, text }));
const vmagent = findVictoriaMetrics('vmagent');
const promtool = findPromtool();
/** What the deployment files set. */
const variables = { CLOUDLYSIS_ENVIRONMENT: 'prod', CLOUDLYSIS_HOST: 'host-1' };

describe.each(files)('$name', ({ name, text }) => {
  it.skipIf(!('path' in vmagent))('is taken by vmagent, which refuses an unknown setting', () => {
    const check = (content: string): ReturnType<typeof run> =>
      run(vmagent, [
        '-dryRun',
        `-promscrape.config=${write(name, content)}`,
        '-remoteWrite.url=http://127.0.0.1:1/',
      ]);
    const { status, stderr } = check(text);
    expect(status, `vmagent: ${stderr}`).toBe(0);
    expect(check(text.replace('series_limit', 'serie_limit')).status).not.toBe(0);
  });

  it.skipIf(!('path' in promtool))('is taken by promtool, which knows the roles of discovery', () => {
    const check = (content: string): ReturnType<typeof run> =>
      run(promtool, ['check', 'config', '--syntax-only', write(name, content)]);
    // vmagent’s own setting; Prometheus has no limit of series.
    const common = text.replaceAll(/^ *series_limit: .*\n/gm, '');
    const { status, stdout, stderr } = check(common);
    expect(status, `promtool: ${stdout}${stderr}`).toBe(0);
    const discovery = ['role: tasks', 'file_sd_configs'].find((each) => common.includes(each)) ?? '';
    expect(check(common.replace(discovery, 'role: jobs')).status).not.toBe(0);
  });

  it('limits the series of each target, and gives slow ones more time than fast ones', () => {
    const { global, scrape_configs } = parse(text) as {
      global: { scrape_interval: string; scrape_timeout: string };
      scrape_configs: { series_limit?: number; scrape_interval?: string; scrape_timeout?: string }[];
    };
    expect(scrape_configs.length).toBe(SCRAPE_JOBS.length);
    expect(scrape_configs.filter(({ series_limit = 0 }) => series_limit <= 0)).toEqual([]);
    const seconds = (duration: string): number => Number.parseInt(duration, 10);
    for (const { scrape_interval, scrape_timeout } of scrape_configs) {
      expect(seconds(scrape_timeout ?? global.scrape_timeout)).toBeLessThan(
        seconds(scrape_interval ?? global.scrape_interval),
      );
    }
  });
});

describe('the budgets', () => {
  it('are those of the metrics contract for nodes and control plane', () => {
    const contract = readFileSync(join(root, 'docs/metrics-contract.md'), 'utf8');
    const [, ...promised] =
      /\*\*Budgets\.\*\* ([\d,]+) series from one node, ([\d,]+) from the control\s+plane/.exec(contract) ??
      [];
    const limits = SCRAPE_JOBS.filter(({ job, place }) => place === 'nodes' || job === 'control');
    const [node, control] = promised.map((text) => Number(text.replace(',', '')));
    expect(limits.map(({ seriesLimit }) => seriesLimit)).toEqual([node, node, node, node, control]);
  });

  it('have room for forty nodes on ten hosts at their limits, and for what else writes to the store', () => {
    const nodes = 40;
    const hosts = 10;
    const largest = SCRAPE_JOBS.reduce((sum, { place, seriesLimit }) => {
      if (place === 'nodes') return sum + (nodes / 4) * seriesLimit;
      return sum + (place === undefined ? 1 : hosts) * seriesLimit;
    }, 0);
    expect(largest).toBeLessThanOrEqual(HOURLY_SERIES.vmagent);
    expect(HOURLY_SERIES.store).toBeGreaterThan(HOURLY_SERIES.vmagent);
  });
});

function write(name: string, text: string): string {
  const file = join(folder, name);
  writeFileSync(file, text);
  return file;
}

function run(
  program: { path: string } | { reason: string },
  args: string[],
): { status: number | null; stdout: string; stderr: string } {
  if (!('path' in program)) throw new Error(program.reason);
  return spawnSync(program.path, args, { env: variables, encoding: 'utf8', timeout: 10_000 });
}

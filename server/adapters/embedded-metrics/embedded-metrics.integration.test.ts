import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { beforeAll, describe, expect, it, vi } from 'vitest';

import { testFolder } from '#server/db/test-database.ts';
import { whyNoMetricServers } from '#tools/test-metric-servers.ts';
import { pathWithMetrics } from '#tools/test-metrics.ts';
import { findMetricsPrograms } from './embedded-metrics.ts';
import { startGuardedServer } from './guarded-server.ts';

describe('the programs of --metrics', () => {
  it('are named, where the machine has none', () => {
    expect(() => findMetricsPrograms('/nowhere')).toThrow(
      '--metrics needs victoria-metrics, vmagent, vmalert on PATH, and there is no victoria-metrics, no vmagent, no vmalert;',
    );
  });
});

describe.skipIf(whyNoMetricServers() !== null)('a guarded server', () => {
  let program: string;
  let folder: string;
  beforeAll(async () => {
    program = findMetricsPrograms(pathWithMetrics())['victoria-metrics'];
    folder = await mkdtemp(join(testFolder(), 'embedded-metrics-'));
  });
  const optionsOf = (name: string, args: string[] = []) => ({
    program,
    args: [`-storageDataPath=${join(folder, name)}`, '-memory.allowedBytes=64MiB', ...args],
    logFile: join(folder, `${name}.log`),
  });
  const answers = (url: string): Promise<boolean> =>
    fetch(`${url}/health`).then(
      ({ ok }) => ok,
      () => false,
    );

  it('answers until it is stopped', async () => {
    const server = await startGuardedServer(optionsOf('stopped'));
    expect(await answers(server.url)).toBe(true);
    await server.stop();
    await server.stop();
    expect(await answers(server.url)).toBe(false);
  });

  it('says why it does not start', async () => {
    await expect(startGuardedServer(optionsOf('wrong', ['-storageDataPath=/dev/null/data']))).rejects.toThrow(
      /victoria-metrics ended while it started: .*\/dev\/null/,
    );
  });

  it('ends with the process that started it, killed or not', async () => {
    const script = `import { startGuardedServer } from '#server/adapters/embedded-metrics/guarded-server.ts';
      console.log((await startGuardedServer(${JSON.stringify(optionsOf('killed'))})).url);`;
    const parent = spawn(process.execPath, ['--input-type=module', '--eval', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [url] = (await once(createInterface({ input: parent.stdout }), 'line')) as [string];
    expect(await answers(url)).toBe(true);
    parent.kill('SIGKILL');
    await vi.waitFor(async () => expect(await answers(url)).toBe(false), { timeout: 10_000, interval: 50 });
  });
});

/** Runs the simulated platform as a process of its own, which ends with this one however this one ends. */
import { fork } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { StartError, type EnvironmentConfiguration } from './configuration.ts';

/** Shape of the line that the platform process sends when its nodes answer; see fleet/README.md. */
interface Ready {
  type: 'ready';
  manifest: { token: string; control_url: string };
}

export interface SimulatedPlatform {
  environments: EnvironmentConfiguration[];
  nodeToken: string;
  /** Lists its nodes for a scraper, with `nodeToken`. */
  targetsUrl: string;
  stop(): Promise<void>;
}

const ENVIRONMENTS = ['dev', 'staging', 'prod'];
const READY_WITHIN_MS = 60_000;

export async function startSimulatedPlatform(dataDir: string): Promise<SimulatedPlatform> {
  const folder = path.join(dataDir, 'platform');
  await mkdir(folder, { recursive: true });
  const program = path.join(import.meta.dirname, '..', 'fleet', 'main.ts');
  const child = fork(
    program,
    [
      '--data-dir',
      folder,
      '--environments',
      ENVIRONMENTS.join(','),
      '--manifest',
      path.join(folder, 'manifest.json'),
    ],
    {
      execArgv: [],
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    },
  );
  let said = '';
  child.stderr?.on('data', (chunk: Buffer) => (said = (said + chunk.toString()).slice(-2000)));
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const ready = await new Promise<Ready>((resolve, reject) => {
    const timer = setTimeout(
      () =>
        reject(
          new StartError(`The simulated platform did not start within ${READY_WITHIN_MS / 1000} s. ${said}`),
        ),
      READY_WITHIN_MS,
    );
    child.once('message', (message) => {
      clearTimeout(timer);
      resolve(message as Ready);
    });
    child.once('exit', (code) => {
      clearTimeout(timer);
      reject(new StartError(`The simulated platform ended with code ${code} while it started. ${said}`));
    });
  });
  const environments = ENVIRONMENTS.map((name): EnvironmentConfiguration => ({
    name,
    production: name === 'prod',
    placement: { file: path.join(folder, `placement-${name}.db`) },
    orchestrator: { simulated: { url: ready.manifest.control_url } },
    // The orchestrator runs them all.
    nodes: [],
  }));
  return {
    environments,
    nodeToken: ready.manifest.token,
    targetsUrl: `${ready.manifest.control_url}/targets`,
    stop: async () => {
      child.kill('SIGTERM');
      await ended;
    },
  };
}

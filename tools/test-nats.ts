/** Real nats-servers for tests, on free ports with their data in the run's temporary folder. They end with the run, however it ends. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

import { testFolder } from '#server/db/test-database.ts';

/** Where the set-up of the run leaves the path of nats-server, or the reason that there is none. */
export const natsServerVariable = 'CONTROL_NATS_SERVER';
export const natsMissingVariable = 'CONTROL_NATS_SERVER_MISSING';

/** For `describe.skipIf`: true where no nats-server can be had. */
export const natsIsMissing = (): boolean => process.env[natsServerVariable] === undefined;

export interface TestNats {
  url: string;
  port: number;
  /** `127.0.0.1:port` of the monitoring endpoint. */
  monitoring: string;
  folder: string;
  /** Ends the server as an operator would; the data stays. */
  stop: () => Promise<void>;
  /** Ends it as a crash would. */
  kill: () => Promise<void>;
  /** Starts it again on the same port and data. */
  start: () => Promise<void>;
  /** Stops it and removes its data. */
  dispose: () => Promise<void>;
}

const START_LIMIT_MS = 10_000;

/** Starts a server; `config` is further configuration in nats-server's own format, `jetstream` what stands in that block. */
export async function startTestNats(
  options: { config?: string; jetstream?: string; tls?: boolean } = {},
): Promise<TestNats> {
  const program = process.env[natsServerVariable];
  if (program === undefined) throw new Error(process.env[natsMissingVariable] ?? 'there is no nats-server');
  const folder = await mkdtemp(join(testFolder(), 'nats-'));
  const pidFile = join(folder, 'nats-server.pid');
  let port = -1;
  let monitoringPort = -1;
  let child: ChildProcess | null = null;

  async function start(): Promise<void> {
    const portsFolder = join(folder, 'ports');
    await rm(portsFolder, { recursive: true, force: true });
    await mkdir(portsFolder);
    const file = join(folder, 'nats.conf');
    await writeFile(
      file,
      `listen: "127.0.0.1:${port}"
       http: "127.0.0.1:${monitoringPort}"
       pid_file: "${pidFile}"
       ports_file_dir: "${portsFolder}"
       jetstream { store_dir: "${join(folder, 'data')}", max_file_store: 2GB, ${options.jetstream ?? ''} }
       ${options.config ?? ''}\n`,
    );
    const started = spawn(program as string, ['-c', file], { stdio: ['ignore', 'ignore', 'pipe'] });
    child = started;
    let said = '';
    started.stderr.on('data', (chunk: Buffer) => (said = (said + chunk.toString()).slice(-4_000)));
    const until = performance.now() + START_LIMIT_MS;
    for (;;) {
      const ports = await readPorts(portsFolder);
      if (ports) {
        port = portOf(ports.nats[0]);
        monitoringPort = portOf(ports.monitoring[0]);
        return;
      }
      if (started.exitCode !== null) throw new Error(`nats-server ended while it started: ${said}`);
      if (performance.now() > until) throw new Error(`nats-server did not start: ${said}`);
      await pause(5);
    }
  }

  async function end(signal: NodeJS.Signals): Promise<void> {
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill(signal);
    await exited;
    // The guard of the run ends what has a pid file; this one is gone.
    await rm(pidFile, { force: true });
  }

  await start();
  return {
    get url() {
      return options.tls ? `tls://localhost:${port}` : `nats://127.0.0.1:${port}`;
    },
    get port() {
      return port;
    },
    get monitoring() {
      return `127.0.0.1:${monitoringPort}`;
    },
    folder,
    start,
    stop: () => end('SIGTERM'),
    kill: () => end('SIGKILL'),
    dispose: async () => {
      await end('SIGKILL');
      await rm(folder, { recursive: true, force: true });
    },
  };
}

interface Ports {
  nats: string[];
  monitoring: string[];
}

/** The ports that the server chose, once it has written them whole. */
async function readPorts(folder: string): Promise<Ports | null> {
  const [file] = (await readdir(folder)).filter((name) => name.endsWith('.ports'));
  if (file === undefined) return null;
  try {
    return JSON.parse(await readFile(join(folder, file), 'utf8')) as Ports;
  } catch {
    return null;
  }
}

function portOf(address: string | undefined): number {
  return Number(new URL(address ?? 'nats://127.0.0.1:0').port);
}

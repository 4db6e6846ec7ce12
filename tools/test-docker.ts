/**
 * Docker hosts for tests: each has namespaces of its own (network, processes, mounts, host name), in which a Docker engine runs on private
 * sockets and folders. What a host leaves on this machine is a folder, some empty control groups and a network interface; all of it goes
 * with the host, and the host with the process that started it, however that ends.
 */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, open, readFile, writeFile } from 'node:fs/promises';
import { networkInterfaces, tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import Docker from 'dockerode';

import { findDockerEngine } from './docker-engine.mjs';

const run = promisify(execFile);
const START_LIMIT_MS = 30_000;

export interface TestDockerHost {
  name: string;
  /** IP address under which this machine and the other hosts reach it. */
  address: string;
  /** IP address under which the host and its containers reach this machine. */
  machineAddress: string;
  socketPath: string;
  docker: Docker;
  /** Ends the engine and its containers as a power cut would, and keeps the host. */
  killEngine(): Promise<void>;
  startEngine(): Promise<void>;
  /** Cuts the host off from this machine and from the other hosts, or connects it again. */
  setConnected(connected: boolean): Promise<void>;
}

export interface TestDocker {
  /** Starts the next host. The first one also carries the network between them. */
  startHost(): Promise<TestDockerHost>;
  stop(): Promise<void>;
}

/** Prepares a place for hosts; none runs yet. Throws an error that says why when no engine can run on this machine. */
export async function createTestDocker(): Promise<TestDocker> {
  const engine = findDockerEngine();
  if (engine.path === undefined) throw new Error(`No Docker engine can be started: ${engine.reason}.`);
  const { path } = engine;
  const folder = await mkdtemp(join(tmpdir(), 'control-docker-'));
  const guard = spawn(
    process.execPath,
    [fileURLToPath(new URL('test-docker-guard.mjs', import.meta.url)), folder],
    { detached: true, stdio: ['pipe', 'ignore', 'inherit'] },
  );
  const hosts: HostNamespaces[] = [];
  const subnet = freeSubnet();
  return {
    startHost: async () => {
      const name = `host-${hosts.length + 1}`;
      const namespaces = await createNamespaces(join(folder, name), name);
      const address = `${subnet}.${hosts.length + 2}`;
      hosts.push(namespaces);
      const [first = namespaces] = hosts;
      await connect(first.init, namespaces.init, { subnet, address, group: basename(folder) });
      return startHost(namespaces, {
        name,
        address,
        machineAddress: `${subnet}.1`,
        path,
        group: basename(folder),
      });
    },
    stop: async () => {
      if (guard.exitCode !== null) return;
      guard.stdin.end();
      await once(guard, 'exit');
    },
  };
}

interface HostNamespaces {
  folder: string;
  /** The first process in them, by this machine's count. */
  init: number;
}

async function createNamespaces(folder: string, name: string): Promise<HostNamespaces> {
  await mkdir(folder);
  // The shell reaps what containers leave behind, as the first process of a machine does.
  const script = 'hostname "$1"; ip link set lo up; exec 2>/dev/null; while :; do sleep 3600 & wait $!; done';
  const options = ['--mount', '--net', '--uts', '--pid', '--fork', '--kill-child', '--mount-proc'];
  const holder = spawn('unshare', [...options, 'sh', '-c', script, folder, name], {
    detached: true,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  holder.unref();
  if (holder.pid === undefined) await once(holder, 'spawn');
  const pid = holder.pid ?? 0;
  await writeFile(join(folder, 'host.pid'), `${pid}`);
  const init = await waitFor(`the namespaces of ${name}`, async () => {
    const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8');
    const child = Number.parseInt(children, 10);
    const { stdout } = await run('nsenter', ['--target', `${child}`, '--uts', 'hostname']);
    return stdout.trim() === name ? child : undefined;
  });
  return { folder, init };
}

/**
 * The first host carries a bridge, to which this machine and every host are connected; so all of the network ends with that host. Names
 * of interfaces have at most 15 characters.
 */
async function connect(
  first: number,
  own: number,
  { subnet, address, group }: { subnet: string; address: string; group: string },
): Promise<void> {
  const inside = (pid: number, ...args: string[]) =>
    run('nsenter', ['--target', `${pid}`, '--net', 'ip', ...args]);
  if (own === first) {
    const outer = `clc-${group.slice(-6)}`;
    await run('ip', ['link', 'add', outer, 'type', 'veth', 'peer', 'name', 'machine', 'netns', `${first}`]);
    await inside(first, 'link', 'add', 'bridge', 'type', 'bridge');
    await inside(first, 'link', 'set', 'machine', 'master', 'bridge', 'up');
    await inside(first, 'address', 'add', `${address}/24`, 'dev', 'bridge');
    await inside(first, 'link', 'set', 'bridge', 'up');
    await run('ip', ['address', 'add', `${subnet}.1/24`, 'dev', outer]);
    await run('ip', ['link', 'set', outer, 'up']);
    return;
  }
  const port = `port-${address.split('.').at(-1)}`;
  await inside(first, 'link', 'add', port, 'type', 'veth', 'peer', 'name', 'uplink', 'netns', `${own}`);
  await inside(first, 'link', 'set', port, 'master', 'bridge', 'up');
  await inside(own, 'address', 'add', `${address}/24`, 'dev', 'uplink');
  await inside(own, 'link', 'set', 'uplink', 'up');
}

/** One of 256 networks out of the range that is set aside for tests of network devices, so no real one is hidden. */
function freeSubnet(): string {
  const taken = new Set(
    Object.values(networkInterfaces()).flatMap((entries) => entries?.map(({ address }) => address) ?? []),
  );
  for (let tries = 0; tries < 1_000; tries += 1) {
    const subnet = `198.18.${Math.floor(Math.random() * 256)}`;
    if (!taken.has(`${subnet}.1`)) return subnet;
  }
  throw new Error('Every network of 198.18.0.0/16 is taken.');
}

async function startHost(
  { folder, init }: HostNamespaces,
  {
    name,
    address,
    machineAddress,
    path,
    group,
  }: { name: string; address: string; machineAddress: string; path: string; group: string },
): Promise<TestDockerHost> {
  const socketPath = join(folder, 'docker.sock');
  // docker-modem prefers DOCKER_HOST to a socket path unless it is told that there is no host.
  const docker = new Docker({ socketPath, host: undefined });
  const pidFile = join(folder, 'docker.pid');
  const enter = ['--target', `${init}`, '--mount', '--net', '--uts', '--pid'];
  let engine: ChildProcess | undefined;
  const startEngine = async () => {
    const log = await open(join(folder, 'engine.log'), 'a');
    const settings = [
      ['--data-root', join(folder, 'data')],
      ['--exec-root', join(folder, 'run')],
      ['--pidfile', pidFile],
      ['--host', `unix://${socketPath}`],
      ['--cgroup-parent', `/${group}`],
      ['--bridge=none', '--iptables=false', '--ip6tables=false'],
    ].flat();
    engine = spawn('nsenter', [...enter, 'dockerd', ...settings], {
      detached: true,
      env: { ...process.env, PATH: path },
      stdio: ['ignore', log.fd, log.fd],
    });
    engine.unref();
    await log.close();
    await waitFor(
      `the engine of ${name}`,
      async () => {
        if (engine?.exitCode !== null)
          throw new Error(`The engine of ${name} ended: ${await lastLines(folder)}`);
        return docker.ping().then(
          () => true,
          () => undefined,
        );
      },
      () => lastLines(folder),
    );
  };
  const killEngine = async () => {
    const ended = engine && once(engine, 'exit');
    // All but the first process of the namespaces and this command itself.
    await run('nsenter', [...enter, 'sh', '-c', 'kill -9 -1; true']);
    await ended;
    // Its containers' mounts would be in the way of the next start.
    await run('nsenter', [
      ...enter,
      'sh',
      '-c',
      `rm -f ${pidFile} ${socketPath}; grep -o ' ${folder}/[^ ]* ' /proc/mounts | sort -r | xargs -r -n 1 umount -l; true`,
    ]);
  };
  await startEngine();
  return {
    name,
    address,
    machineAddress,
    socketPath,
    docker,
    startEngine,
    killEngine,
    setConnected: async (connected) => {
      const device = name === 'host-1' ? 'bridge' : 'uplink';
      await run('nsenter', [...enter, 'ip', 'link', 'set', device, connected ? 'up' : 'down']);
    },
  };
}

async function lastLines(folder: string): Promise<string> {
  const log = await readFile(join(folder, 'engine.log'), 'utf8').catch(() => '');
  return log.trimEnd().split('\n').slice(-5).join('\n');
}

async function waitFor<T>(
  what: string,
  look: () => Promise<T | undefined>,
  explain: () => Promise<string> = () => Promise.resolve(''),
): Promise<T> {
  const giveUpAt = performance.now() + START_LIMIT_MS;
  let reason: unknown;
  while (performance.now() < giveUpAt) {
    const found = await look().catch((error: unknown) => {
      reason = error;
      return undefined;
    });
    if (found !== undefined) return found;
    await sleep(20);
  }
  throw new Error(`${what} did not start within ${START_LIMIT_MS / 1000} s. ${await explain()}`, {
    cause: reason,
  });
}

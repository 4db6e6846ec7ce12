import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';

import { findOnPath, installFromDebian, unpackFromDebian } from './service-binaries.mjs';

/** The programs of an engine. A `docker` client alone is none. */
const programs = ['dockerd', 'containerd', 'containerd-shim-runc-v2', 'runc'];

/**
 * Finds what runs a Docker engine in namespaces of its own, getting Debian's where that is allowed. Answers `{ path }`, the value for
 * PATH under which the engine runs, or `{ reason }`.
 */
export function findDockerEngine() {
  const obstacle = findObstacle();
  if (obstacle) return { reason: obstacle };
  const missing = ['unshare', 'nsenter', 'ip', 'tar'].filter((name) => !findOnPath(name));
  const failure = missing.length > 0 && installFromDebian('util-linux', 'iproute2', 'tar');
  if (failure) return { reason: `there is no ${missing.join(' and no ')} (${failure})` };
  if (isComplete()) return { path: process.env.PATH };
  const unpacked = unpackEngine();
  if (unpacked.path) return unpacked;
  const installFailure = installFromDebian('docker.io');
  if (isComplete()) return { path: process.env.PATH };
  return {
    reason: `there is no Docker engine: put dockerd, containerd and runc on PATH (${unpacked.reason}; ${installFailure ?? 'the installed one is not on PATH'})`,
  };
}

/** Why no engine can run here, whatever is installed. */
function findObstacle() {
  if (process.platform !== 'linux') return 'a Docker engine runs on Linux only';
  if (process.getuid?.() !== 0) return 'only root may start a Docker engine';
  const trial = spawnSync('unshare', ['--mount', '--net', '--uts', '--pid', '--fork', 'true'], {
    encoding: 'utf8',
  });
  if (trial.status !== 0 && trial.error?.code !== 'ENOENT') {
    return `this machine allows no new namespaces (${trial.stderr?.trim()})`;
  }
  if (!/\bmemory\b/.test(readFileSync('/proc/self/cgroup', 'utf8') + readControllers())) {
    return 'this machine offers no control groups';
  }
  return undefined;
}

function readControllers() {
  try {
    return readFileSync('/sys/fs/cgroup/cgroup.controllers', 'utf8');
  } catch {
    return '';
  }
}

function isComplete() {
  return programs.every((name) => findOnPath(name));
}

/** The engine of a newer release where it runs here: Debian 12's is past its end of life. Its runc wants the newer libc, so ours stays. */
function unpackEngine() {
  const engine = unpackFromDebian({
    release: 'trixie',
    packages: ['docker.io', 'containerd'],
    file: 'usr/sbin/dockerd',
  });
  if (!engine.path) return engine;
  if (spawnSync(engine.path, ['--version']).status !== 0) {
    return { reason: 'the engine of Debian trixie does not run here' };
  }
  const runc = unpackFromDebian({ release: ownRelease(), packages: ['runc'], file: 'usr/sbin/runc' });
  if (!runc.path) return runc;
  const folder = dirname(dirname(engine.path));
  return {
    path: [dirname(engine.path), join(folder, 'bin'), dirname(runc.path), process.env.PATH].join(delimiter),
  };
}

function ownRelease() {
  return /^VERSION_CODENAME=(\S+)$/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1];
}

import { spawnSync } from 'node:child_process';

import { findOnPath, installFromDebian, unpackFromDebian } from './service-binaries.mjs';

/** Consumers that report lost messages and per-message limits as we use them came with 2.10. */
const oldest = [2, 10];

/** Finds a nats-server that is new enough, getting Debian's where that is allowed. Answers `{ path }` or `{ reason }`. */
export function findNatsServer() {
  const present = findOnPath('nats-server');
  if (present && isNewEnough(present)) return { path: present };
  const unpacked = unpackFromDebian({
    release: 'trixie',
    packages: ['nats-server'],
    file: 'usr/sbin/nats-server',
  });
  if (unpacked.path && isNewEnough(unpacked.path)) return unpacked;
  const failure = installFromDebian('nats-server');
  const installed = findOnPath('nats-server');
  if (installed && isNewEnough(installed)) return { path: installed };
  return {
    reason: `there is no nats-server ${oldest.join('.')} or newer: put one on PATH (${unpacked.reason ?? 'the unpacked one does not run'}; ${failure ?? 'the installed one is too old'})`,
  };
}

function isNewEnough(path) {
  const { stdout } = spawnSync(path, ['--version'], { encoding: 'utf8' });
  const [major, minor] = (/v(\d+)\.(\d+)/.exec(stdout ?? '') ?? []).slice(1).map(Number);
  return major > oldest[0] || (major === oldest[0] && minor >= oldest[1]);
}

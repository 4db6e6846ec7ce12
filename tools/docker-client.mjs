import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';

import { findOnPath, unpackFromDebian } from './service-binaries.mjs';

/**
 * Finds a `docker` that knows `stack config`, and Compose 2, getting Debian's where that is allowed; neither needs an engine for what they
 * are asked. Answers `{ docker, compose }`, the words that such a command begins with, or `{ reason }`.
 */
export function findDockerClient() {
  const docker = findOnPath('docker');
  const present = docker && { docker: [docker], compose: [docker, 'compose'] };
  if (present && isComplete(present)) return present;
  const unpacked = unpackFromDebian({
    release: 'trixie',
    packages: ['docker-cli', 'docker-compose'],
    file: 'usr/bin/docker',
  });
  if (unpacked.path) {
    const plugins = join(dirname(unpacked.path), '../libexec/docker/cli-plugins');
    const client = { docker: [unpacked.path], compose: [join(plugins, 'docker-compose')] };
    if (isComplete(client)) return client;
  }
  return {
    reason: `there is no docker with "stack config" and Compose 2: put them on PATH (${unpacked.reason ?? 'those of Debian trixie do not run here'})`,
  };
}

function isComplete({ docker, compose }) {
  const runs = ([command, ...args], ...more) => spawnSync(command, [...args, ...more]).status === 0;
  return runs(docker, 'stack', 'config', '--help') && runs(compose, 'version');
}

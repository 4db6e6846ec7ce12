import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';

import { findOnPath, unpackFromDebian } from './service-binaries.mjs';

/** Finds promtool, getting Debian's where that is allowed: the newest release has none in its package. Answers `{ path }` or `{ reason }`. */
export function findPromtool() {
  return find({ names: ['promtool'], release: 'bookworm', packages: ['prometheus'] });
}

/** Finds amtool, which reads what Alertmanager reads. Answers `{ path }` or `{ reason }`. */
export function findAmtool() {
  return find({ names: ['amtool'], release: 'trixie', packages: ['prometheus-alertmanager'] });
}

/**
 * Finds Alertmanager itself. Answers `{ command }`, the words that it begins with, or `{ reason }`. Debian's reads its templates from
 * /usr/share, so an unpacked one runs with the package's own /usr/share, which nobody else sees.
 */
export function findAlertmanager() {
  const present = findOnPath('alertmanager', 'prometheus-alertmanager');
  if (present) return { command: [present] };
  const { path, reason } = find({
    names: ['prometheus-alertmanager'],
    release: 'trixie',
    packages: ['prometheus-alertmanager'],
  });
  if (!path) return { reason };
  const mount = 'mount --bind "$0" /usr/share && exec "$@"';
  const share = join(dirname(path), '../share');
  const command = ['unshare', '--map-root-user', '--mount', 'sh', '-c', mount, share, path];
  const { status, stderr } = spawnSync(command[0], [...command.slice(1), '--version'], { encoding: 'utf8' });
  return status === 0 ? { command } : { reason: `Alertmanager cannot be given its templates: ${stderr}` };
}

function find({ names, release, packages }) {
  const present = findOnPath(...names);
  if (present) return { path: present };
  const unpacked = unpackFromDebian({ release, packages, file: `usr/bin/${names.at(-1)}` });
  return unpacked.path
    ? unpacked
    : { reason: `there is no ${names[0]}: put one on PATH (${unpacked.reason})` };
}

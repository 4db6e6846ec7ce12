import { findOnPath, unpackFromDebian } from './service-binaries.mjs';

/** Finds promtool, getting Debian's where that is allowed: the newest release has none in its package. Answers `{ path }` or `{ reason }`. */
export function findPromtool() {
  return find({ names: ['promtool'], release: 'bookworm', packages: ['prometheus'] });
}

/** Finds amtool, which reads what Alertmanager reads. Answers `{ path }` or `{ reason }`. */
export function findAmtool() {
  return find({ names: ['amtool'], release: 'trixie', packages: ['prometheus-alertmanager'] });
}

/** Finds Alertmanager itself. Answers `{ path }` or `{ reason }`. */
export function findAlertmanager() {
  const names = ['alertmanager', 'prometheus-alertmanager'];
  return find({ names, release: 'trixie', packages: ['prometheus-alertmanager'] });
}

function find({ names, release, packages }) {
  const present = findOnPath(...names);
  if (present) return { path: present };
  const unpacked = unpackFromDebian({ release, packages, program: `usr/bin/${names.at(-1)}` });
  return unpacked.path
    ? unpacked
    : { reason: `there is no ${names[0]}: put one on PATH (${unpacked.reason})` };
}

import { findOnPath, unpackFromDebian } from './service-binaries.mjs';

/** Finds a program of VictoriaMetrics (vmalert, vmalert-tool, vmagent …), getting Debian's where that is allowed. Answers `{ path }` or `{ reason }`. */
export function findVictoriaMetrics(program) {
  const present = findOnPath(program);
  if (present) return { path: present };
  const unpacked = unpackFromDebian({
    release: 'trixie',
    packages: ['victoria-metrics'],
    file: `usr/bin/${program}`,
  });
  return unpacked.path
    ? unpacked
    : { reason: `there is no ${program}: put one on PATH (${unpacked.reason})` };
}

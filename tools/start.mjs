/** `npm start`: makes the checkout ready and runs the control plane with the caller's arguments and environment. */
import { delimiter, dirname } from 'node:path';

import { buildUi, installPackages, runMain, runProgram, SetupError } from './setup.mjs';
import { findVictoriaMetrics } from './victoria-metrics.mjs';

await runMain(() => {
  installPackages();
  buildUi();
  const args = process.argv.slice(2);
  if (args.includes('--metrics')) addMetricsPrograms();
  return runProgram('server/main.ts', args);
});

/** The server looks for VictoriaMetrics on PATH: Debian's stands there, where it had to be unpacked. */
function addMetricsPrograms() {
  const { path, reason } = findVictoriaMetrics('victoria-metrics');
  if (reason) throw new SetupError(`--metrics cannot be had: ${reason}.`);
  process.env.PATH = [process.env.PATH, dirname(path)].join(delimiter);
}

/** `npm start`: makes the checkout ready and runs the control plane with the caller's arguments and environment. */
import { buildUi, installPackages, runMain, runProgram } from './setup.mjs';

await runMain(() => {
  installPackages();
  buildUi();
  return runProgram('server/main.ts', process.argv.slice(2));
});

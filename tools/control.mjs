#!/usr/bin/env node
/** `npm run control -- <command>`, and the `control` command where the package is installed: the command line client under Node 26. */
import { installPackages, runMain, runProgram } from './setup.mjs';

await runMain(() => {
  installPackages();
  return runProgram('cli/main.ts', process.argv.slice(2));
});

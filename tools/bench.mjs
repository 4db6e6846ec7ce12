/**
 * `npm run bench`: runs the benchmarks in `bench/*.bench.ts` one after another and prints their tables.
 * `npm run bench -- tenants` runs those whose name contains the word; `--write` keeps the tables in docs/benchmarks.md.
 */
import { spawn } from 'node:child_process';
import { readdirSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';

import {
  buildUi,
  installPackages,
  nodeBinary,
  programEnvironment,
  root,
  runMain,
  SetupError,
} from './setup.mjs';

await runMain(async () => {
  const args = process.argv.slice(2);
  const words = args.filter((arg) => !arg.startsWith('--'));
  const write = args.includes('--write');
  installPackages();
  buildUi();
  const names = readdirSync(join(root, 'bench'))
    .filter((name) => name.endsWith('.bench.ts'))
    .filter((name) => words.length === 0 || words.some((word) => name.includes(word)))
    .sort();
  if (names.length === 0)
    throw new SetupError(`There is no benchmark${words.length > 0 ? ` named "${words.join('", "')}"` : ''}.`);

  const failed = [];
  const sections = [];
  for (const name of names) {
    const title = name.replace('.bench.ts', '');
    console.log(`── ${title}`);
    const { exitCode, output } = await runBenchmark(join(root, 'bench', name));
    if (exitCode !== 0) failed.push(title);
    sections.push(`## ${title}\n\n${output.trim()}\n`);
  }
  if (failed.length > 0) console.error(`Failed: ${failed.join(', ')}`);
  else if (write) writeFileSync(join(root, 'docs/benchmarks.md'), [heading(), ...sections].join('\n'));
  return failed.length > 0 ? 1 : 0;
});

/** Tables are what a benchmark writes to its standard output; progress goes to standard error. */
function runBenchmark(file) {
  return new Promise((resolve, reject) => {
    const child = spawn(nodeBinary(), ['--disable-warning=ExperimentalWarning', file], {
      cwd: root,
      env: programEnvironment(),
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const chunks = [];
    child.stdout.on('data', (chunk) => {
      chunks.push(chunk);
      process.stdout.write(chunk);
    });
    child.once('error', reject);
    child.once('close', (code) => resolve({ exitCode: code ?? 1, output: Buffer.concat(chunks).toString() }));
  });
}

function heading() {
  const machine = `${cpus().length} cores (${cpus()[0]?.model.trim()}), ${Math.round(totalmem() / 1024 ** 3)} GiB memory`;
  const date = new Date().toISOString().slice(0, 10);
  return `# Benchmarks\n\nWritten by \`npm run bench -- --write\` on ${date}: ${machine}.\n`;
}

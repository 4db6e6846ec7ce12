/**
 * Ends every PostgreSQL below a throwaway folder and removes the folder as soon as its standard input
 * closes, which also happens when the test run that holds the other end crashes or is killed.
 */
import { readFile, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const folder = process.argv[2];

process.stdin.resume();
process.stdin.once('end', async () => {
  await Promise.all((await findPidFiles(folder, 3)).map(endPostmaster));
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
});

async function findPidFiles(directory, depth) {
  const entries = await readdir(directory, { withFileTypes: true }).catch(() => []);
  if (entries.some((entry) => entry.name === 'postmaster.pid')) return [join(directory, 'postmaster.pid')];
  if (depth === 0) return [];
  const folders = entries.filter((entry) => entry.isDirectory());
  const found = await Promise.all(
    folders.map((entry) => findPidFiles(join(directory, entry.name), depth - 1)),
  );
  return found.flat();
}

async function endPostmaster(pidFile) {
  const pid = await readPid(pidFile);
  try {
    // PostgreSQL's immediate shutdown: nobody needs this data again. It removes the pid file last.
    if (pid) process.kill(pid, 'SIGQUIT');
  } catch {
    return;
  }
  for (let wait = 0; wait < 500 && (await readPid(pidFile)); wait += 1) await sleep(10);
}

async function readPid(pidFile) {
  return Number.parseInt(await readFile(pidFile, 'utf8').catch(() => ''), 10);
}

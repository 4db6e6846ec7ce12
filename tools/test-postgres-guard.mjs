/**
 * Ends every PostgreSQL and nats-server below a throwaway folder and removes the folder as soon as its standard input
 * closes, which also happens when the test run that holds the other end crashes or is killed.
 */
import { readFile, readdir, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const folder = process.argv[2];

/** Pid files and the signal that ends their server at once: nobody needs this data again. */
const endings = { 'postmaster.pid': 'SIGQUIT', 'nats-server.pid': 'SIGKILL' };

process.stdin.resume();
process.stdin.once('end', async () => {
  await Promise.all((await findPidFiles(folder, 3)).map(endServer));
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
});

async function findPidFiles(directory, depth) {
  const entries = await readdir(directory, { withFileTypes: true }).catch(() => []);
  const pidFile = entries.find(({ name }) => name in endings);
  if (pidFile) return [join(directory, pidFile.name)];
  if (depth === 0) return [];
  const folders = entries.filter((entry) => entry.isDirectory());
  const found = await Promise.all(
    folders.map((entry) => findPidFiles(join(directory, entry.name), depth - 1)),
  );
  return found.flat();
}

async function endServer(pidFile) {
  const pid = await readPid(pidFile);
  if (!pid) return;
  try {
    process.kill(pid, endings[basename(pidFile)]);
    for (let wait = 0; wait < 500; wait += 1) {
      await sleep(10);
      process.kill(pid, 0);
    }
  } catch {
    // It is gone.
  }
}

async function readPid(pidFile) {
  return Number.parseInt(await readFile(pidFile, 'utf8').catch(() => ''), 10);
}

/**
 * Ends a throwaway PostgreSQL and removes its folder as soon as its standard input closes, which also
 * happens when the test run that holds the other end crashes or is killed.
 */
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const folder = process.argv[2];
const pidFile = join(folder, 'postgres/postmaster.pid');

process.stdin.resume();
process.stdin.once('end', async () => {
  const pid = await readPid();
  if (pid) {
    // PostgreSQL's immediate shutdown: nobody needs this data again. It removes the file last.
    process.kill(pid, 'SIGQUIT');
    for (let wait = 0; wait < 500 && (await readPid()); wait += 1) await sleep(10);
  }
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
});

async function readPid() {
  return Number.parseInt(await readFile(pidFile, 'utf8').catch(() => ''), 10);
}

/**
 * Ends every Docker host below a throwaway folder and removes the folder as soon as its standard input closes, which also happens when the
 * test run that holds the other end crashes or is killed. Killing the first process of a host's namespaces ends all in it, containers too.
 */
import { readFile, readdir, rm, rmdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const folder = process.argv[2];

process.stdin.resume();
process.stdin.once('end', async () => {
  const hosts = await readdir(folder, { withFileTypes: true }).catch(() => []);
  await Promise.all(hosts.filter((entry) => entry.isDirectory()).map(({ name }) => endHost(name)));
  await removeControlGroups();
  // The mounts of a host end with its last process, a moment after it was killed.
  await rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
});

async function endHost(name) {
  const pid = Number.parseInt(await readFile(join(folder, name, 'host.pid'), 'utf8').catch(() => ''), 10);
  const isOurs = async () =>
    (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).includes(join(folder, name));
  if (!pid || !(await isOurs())) return;
  process.kill(pid, 'SIGKILL');
  for (let wait = 0; wait < 500 && (await isOurs()); wait += 1) await sleep(10);
}

/** The engine leaves the empty control groups of its containers behind: one tree a controller, or one for all. */
async function removeControlGroups() {
  const group = basename(folder);
  const trees = await readdir('/sys/fs/cgroup', { withFileTypes: true });
  for (const tree of [{ name: '.' }, ...trees.filter((entry) => entry.isDirectory())]) {
    await removeGroup(join('/sys/fs/cgroup', tree.name, group));
  }
}

async function removeGroup(path) {
  const entries = await readdir(path, { withFileTypes: true }).catch(() => undefined);
  if (!entries) return;
  for (const entry of entries.filter((child) => child.isDirectory()))
    await removeGroup(join(path, entry.name));
  for (let wait = 0; wait < 100; wait += 1) {
    // A group is busy until its processes are gone.
    const busy = await rmdir(path).then(
      () => false,
      ({ code }) => code === 'EBUSY',
    );
    if (!busy) return;
    await sleep(20);
  }
}

/**
 * Finds the servers that tests run against, and gets them from Debian where that is allowed. Imports only what Node brings.
 *
 * A program is on PATH, is unpacked into the cache folder from a newer Debian release than this machine's (needs no root and changes
 * nothing outside the cache), or is installed by apt-get. Whoever asks decides in which order.
 */
import { spawnSync } from 'node:child_process';
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { delimiter, join } from 'node:path';

import { root } from './setup.mjs';

const cache = join(root, '.cache/services');
const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg';

/** The first program of these names on PATH; undefined when there is none. */
export function findOnPath(...names) {
  const folders = (process.env.PATH ?? '').split(delimiter);
  return names.flatMap((name) => folders.map((folder) => join(folder, name))).find(isExecutable);
}

/** Installs Debian packages, with fresh package lists when it fails without. Answers why it could not, or undefined. */
export function installFromDebian(...packages) {
  if (!isDebian()) return 'this is not Debian';
  if (process.getuid?.() !== 0) return 'only root may install packages';
  console.log(`Installing ${packages.join(', ')} (once) …`);
  mkdirSync(cache, { recursive: true });
  // Two test runs take turns: apt-get fails at once while another one refreshes the lists.
  const apt = (...args) => run('flock', [join(cache, 'apt.lock'), 'apt-get', '-qq', ...args]);
  const install = () => apt('install', '--yes', '--no-install-recommends', ...packages);
  return install() === undefined ? undefined : (apt('update') ?? install());
}

/**
 * The path of `file` (relative, as in its package) out of packages of another Debian release, unpacked into one cache folder.
 * apt fetches them from the archive that this machine is configured for, and checks signature and checksums. Dependencies are not
 * fetched: name them too. Answers `{ path }` or `{ reason }`.
 */
export function unpackFromDebian({ release, packages, file }) {
  const folder = join(cache, `${release}-${packages[0]}`);
  const path = join(folder, file);
  if (existsSync(path)) return { path };
  const archive = isDebian() ? debianArchive() : undefined;
  if (!archive) return { reason: 'apt knows no Debian archive on this machine' };
  console.log(`Fetching ${packages.join(', ')} of Debian ${release} (once) …`);
  const work = `${folder}.${process.pid}`;
  try {
    const reason = fetchPackages({ work, archive, release, packages });
    if (reason) return { reason };
    if (!existsSync(join(work, 'unpacked', file))) {
      return { reason: `${packages.join(', ')} of Debian ${release} hold no ${file}` };
    }
    // Another run may have been faster; what stands there is whole.
    if (!existsSync(path)) renameSync(join(work, 'unpacked'), folder);
    return { path };
  } catch (error) {
    return existsSync(path) ? { path } : { reason: error.message };
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function fetchPackages({ work, archive, release, packages }) {
  for (const part of ['lists/partial', 'archives/partial', 'unpacked']) {
    mkdirSync(join(work, part), { recursive: true });
  }
  const sources = join(work, 'sources.list');
  writeFileSync(sources, `deb [signed-by=${keyring}] ${archive} ${release} main\n`);
  const settings = [
    `Dir::Etc::sourcelist=${sources}`,
    'Dir::Etc::sourceparts=-',
    `Dir::State::lists=${work}/lists`,
    `Dir::Cache=${work}`,
    'Acquire::Languages=none',
    // apt would fetch as the user _apt, who cannot write here.
    'APT::Sandbox::User=',
  ].flatMap((setting) => ['-o', setting]);
  const apt = (...args) => run('apt-get', ['-qq', ...settings, ...args], work);
  let reason = apt('update') ?? apt('download', ...packages);
  for (const file of readdirSync(work).filter((name) => name.endsWith('.deb'))) {
    reason ??= run('dpkg-deb', ['--extract', join(work, file), join(work, 'unpacked')]);
  }
  return reason;
}

/** Where this machine's apt gets the release that it runs; not its updates or security fixes. */
function debianArchive() {
  const { stdout } = spawnSync(
    'apt-get',
    ['indextargets', '--format', '$(COMPONENT) $(RELEASE) $(REPO_URI)'],
    {
      encoding: 'utf8',
    },
  );
  return /^main [a-z]+ (\S+)$/m.exec(stdout ?? '')?.[1];
}

function run(command, args, cwd) {
  const { status, stderr, error } = spawnSync(command, args, {
    cwd,
    encoding: 'utf8',
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  if (status === 0) return undefined;
  const shown = [command, ...args].filter((part) => part !== '-o' && !part.includes('=')).join(' ');
  return `"${shown}" failed: ${error?.message ?? stderr.trim().split('\n').at(-1)}`;
}

export function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function isDebian() {
  try {
    return /^ID=debian$/m.test(readFileSync('/etc/os-release', 'utf8'));
  } catch {
    return false;
  }
}

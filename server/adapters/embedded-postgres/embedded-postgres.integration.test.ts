import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import pg from 'pg';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';

import { testFolder } from '#server/db/test-database.ts';

import { EmbeddedPostgresError, startEmbeddedPostgres, type EmbeddedPostgres } from './embedded-postgres.ts';

const settings = { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' };
const modulePath = new URL('embedded-postgres.ts', import.meta.url).href;

let parent: string;
let dataDir: string;
let running: EmbeddedPostgres[] = [];

async function makeParent(): Promise<void> {
  // mkdtemp makes it 0700: as root this also shows that PostgreSQL's account gets through a private folder.
  parent = await mkdtemp(join(testFolder(), 'embedded-postgres-'));
  dataDir = join(parent, 'postgres');
}

afterEach(async () => {
  for (const server of running) await server.stop();
  running = [];
});

async function start(): Promise<EmbeddedPostgres> {
  const server = await startEmbeddedPostgres({ dataDir, settings });
  running.push(server);
  return server;
}

async function query(url: string, text: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(text)).rows;
  } finally {
    await client.end();
  }
}

async function readPostmasterPid(): Promise<number> {
  return Number.parseInt(await readFile(join(dataDir, 'postmaster.pid'), 'utf8'), 10);
}

/** Starts the server from another process and kills that process the hard way. */
async function startAndKillOwner(): Promise<void> {
  const script = `
    const { startEmbeddedPostgres } = await import(process.argv[1]);
    await startEmbeddedPostgres({ dataDir: process.argv[2], settings: JSON.parse(process.argv[3]) });
    process.kill(process.pid, 'SIGKILL');`;
  const owner = spawn(
    process.execPath,
    ['--input-type=module', '--eval', script, modulePath, dataDir, JSON.stringify(settings)],
    { stdio: 'inherit' },
  );
  const [, signal] = await once(owner, 'exit');
  expect(signal).toBe('SIGKILL');
}

describe('on a cluster that exists', () => {
  // One for all: creating a cluster is the slow part.
  beforeAll(async () => {
    await makeParent();
    await (await start()).stop();
    running = [];
  });

  test('the database speaks UTF-8 and only the password opens it', async () => {
    const { url } = await start();
    expect(await query(url, 'show server_encoding')).toEqual([{ server_encoding: 'UTF8' }]);

    const withoutPassword = new URL(url);
    withoutPassword.password = 'wrong';
    await expect(query(withoutPassword.href, 'select 1')).rejects.toThrow('password authentication failed');
    expect((await stat(join(parent, 'postgres-password'))).mode & 0o777).toBe(0o600);
  });

  test('a second start finds the data of the first', async () => {
    const first = await start();
    await query(first.url, 'create table kept_by_stop as select 42 as answer');
    await first.stop();

    const second = await start();
    expect(await query(second.url, 'select answer from kept_by_stop')).toEqual([{ answer: 42 }]);
  });

  test('stop ends the server, and stopping twice does no harm', async () => {
    const server = await start();
    await server.stop();
    await server.stop();
    await expect(query(server.url, 'select 1')).rejects.toThrow('ECONNREFUSED');
  });

  test('a start after its owner was killed re-attaches to the running server', async () => {
    await startAndKillOwner();
    const pid = await readPostmasterPid();

    const server = await start();
    expect(await readPostmasterPid()).toBe(pid);
    expect(await query(server.url, 'select 1 as one')).toEqual([{ one: 1 }]);
  });

  test('a folder in use by a live owner is refused and stays running', async () => {
    const owner = await start();
    await expect(start()).rejects.toThrow('is in use by another control plane');
    expect(await query(owner.url, 'select 1 as one')).toEqual([{ one: 1 }]);
  });

  test('data survives kill -9 of the server', async () => {
    const first = await start();
    await query(first.url, 'create table kept as select 42 as answer');
    await query(first.url, 'checkpoint');
    process.kill(await readPostmasterPid(), 'SIGKILL');

    const second = await start();
    expect(await query(second.url, 'select answer from kept')).toEqual([{ answer: 42 }]);
  });

  test('a pid file that names an unrelated process does not hinder the start', async () => {
    await writeFile(
      join(dataDir, 'postmaster.pid'),
      `${process.pid}\n${dataDir}\n0\n1\n\n127.0.0.1\n0 0\nready\n`,
    );
    const server = await start();
    expect(await query(server.url, 'select 1 as one')).toEqual([{ one: 1 }]);
  });

  test('data of another major version is refused by name', async () => {
    const versionFile = join(dataDir, 'PG_VERSION');
    const version = await readFile(versionFile, 'utf8');
    await writeFile(versionFile, '17\n');
    await expect(start()).rejects.toThrow(
      /was written by PostgreSQL 17, but this release brings PostgreSQL \d+/,
    );
    await writeFile(versionFile, version);
  });

  test('a lost password file is named', async () => {
    const passwordFile = join(parent, 'postgres-password');
    await rename(passwordFile, `${passwordFile}.elsewhere`);
    await expect(start()).rejects.toThrow('password file');
    await rename(`${passwordFile}.elsewhere`, passwordFile);
  });

  test('a server that cannot start shows the last lines of its log', async () => {
    const failure = startEmbeddedPostgres({ dataDir, settings: { ...settings, max_connections: 'many' } });
    await expect(failure).rejects.toThrow(/did not start: [^]*invalid value for parameter "max_connections"/);
  });
});

describe('on a first start', () => {
  beforeEach(makeParent);

  test('a first start that was interrupted leaves nothing in the way', async () => {
    await mkdir(`${dataDir}.new`);
    await writeFile(join(`${dataDir}.new`, 'PG_VERSION'), '18\n');
    const server = await start();
    expect(await query(server.url, 'select 1 as one')).toEqual([{ one: 1 }]);
  });

  test('a folder with other files is left alone', async () => {
    await mkdir(dataDir);
    await writeFile(join(dataDir, 'letter.txt'), 'dear reader');
    await expect(start()).rejects.toThrow('holds files that are not a PostgreSQL database');
    expect(await readFile(join(dataDir, 'letter.txt'), 'utf8')).toBe('dear reader');
  });

  test('a file where the folder should be is named', async () => {
    await writeFile(join(parent, 'file'), '');
    dataDir = join(parent, 'file', 'postgres');
    await expect(start()).rejects.toThrow('a file stands where a folder is needed');
  });

  test('an unwritable folder is named', async () => {
    await chmod(parent, 0o500);
    // Root may write to any folder but this one, where even root is refused.
    if (process.getuid?.() === 0) dataDir = '/sys/control/postgres';
    const failure = start();
    await expect(failure).rejects.toThrow(EmbeddedPostgresError);
    await expect(failure).rejects.toThrow(/not writable|read-only/);
  });
});

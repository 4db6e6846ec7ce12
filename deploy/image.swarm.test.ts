/**
 * The last stage of the Dockerfile on a real engine, with what make-secrets.sh and control.example.yaml give an operator. The stages
 * before it need the network; their results are what the lockfile and vite make of this checkout.
 */
import { execFile, spawn } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type Docker from 'dockerode';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { testFolder, testServerVariable } from '#server/db/test-database.ts';
import { TEST_IMAGES } from '#tools/test-docker-image.ts';
import { startTestNats, type TestNats } from '#tools/test-nats.ts';
import { testSwarm } from '#tools/test-swarm.ts';
import { startRelay } from '#tools/test-swarm-nodes.ts';

const run = promisify(execFile);
const here = import.meta.dirname;
const root = join(here, '..');
const IMAGE = '127.0.0.1:1/control:test';
const EMAIL = 'owner@example.com';
const START_LIMIT = { timeout: 60_000, interval: 200 };

describe('the image', { timeout: 120_000 }, () => {
  const { docker, address, machineAddress } = testSwarm();
  const url = `http://${address}:7070`;
  const undo: (() => Promise<unknown>)[] = [];
  let folder: string;
  let nats: TestNats;
  let container: Docker.Container;

  const secret = (name: string) => readFile(join(folder, 'secrets', name), 'utf8');
  const state = async () => (await container.inspect()).State;

  beforeAll(async () => {
    folder = await mkdtemp(join(testFolder(), 'image-'));
    await buildImage(docker, join(folder, 'context'));
    await copyFile(join(here, 'make-secrets.sh'), join(folder, 'make-secrets.sh'));
    await run(join(folder, 'make-secrets.sh'));
    nats = await startTestNats({ config: `authorization { ${await secret('nats_users.conf')} }` });
    undo.push(() => nats.dispose());
    const placements = await startRelay(machineAddress, nats.port);
    undo.push(() => placements.stop());

    const example = await readFile(join(here, 'control.example.yaml'), 'utf8');
    const adapted = example.replace('nats://nats:4222', `nats://${machineAddress}:${placements.port}`);
    await writeFile(join(folder, 'control.yaml'), adapted);
    const database = await createDatabase(await secret('postgres_password'));
    undo.push(() => database.drop());
    const relay = await startRelay(machineAddress, Number(new URL(database.url).port));
    undo.push(() => relay.stop());
    const databaseUrl = new URL(database.url);
    databaseUrl.host = `${machineAddress}:${relay.port}`;
    // As an operator does where PostgreSQL is elsewhere; the one that was made is read-only.
    await run('rm', ['-f', join(folder, 'secrets', 'database_url')]);
    await writeFile(join(folder, 'secrets', 'database_url'), `${databaseUrl.href}\n`, { mode: 0o444 });

    const secrets = ['database_url', 'node_token', 'owner_password', 'secret_key', 'nats_password'];
    container = await docker.createContainer({
      Image: IMAGE,
      Env: [
        'CONTROL_DATABASE_URL_FILE=/run/secrets/database_url',
        'CONTROL_NODE_TOKEN_FILE=/run/secrets/node_token',
        'CONTROL_OWNER_PASSWORD_FILE=/run/secrets/owner_password',
        'CONTROL_SECRET_KEY_FILE=/run/secrets/secret_key',
        `CONTROL_OWNER_EMAIL=${EMAIL}`,
      ],
      HostConfig: {
        ReadonlyRootfs: true,
        CapDrop: ['ALL'],
        SecurityOpt: ['no-new-privileges'],
        Memory: 512 * 1024 ** 2,
        NetworkMode: 'host',
        Binds: [
          `${join(folder, 'control.yaml')}:/etc/control/control.yaml:ro`,
          ...secrets.map((name) => `${join(folder, 'secrets', name)}:/run/secrets/${name}:ro`),
        ],
      },
    });
    undo.push(() => container.remove({ force: true }));
    await container.start();
  }, 180_000);
  afterAll(async () => {
    for (const step of undo.toReversed()) await step();
  });

  const logs = async () => (await container.logs({ stdout: true, stderr: true })).toString();

  test('gets healthy by its own check, as user 1000 on a read-only file system, and is ready', async () => {
    const health = async () => {
      const { Running, Health } = await state();
      return Running && Health?.Status !== 'unhealthy' ? Health?.Status : `failed: ${await logs()}`;
    };
    await expect.poll(health, START_LIMIT).not.toBe('starting');
    expect(await health()).toBe('healthy');
    const ready = async () => (await fetch(`${url}/ready`)).status;
    await expect.poll(ready, START_LIMIT).toBe(200);
    expect((await container.inspect()).Config.User).toBe('1000:1000');
    const { Processes } = (await container.top({ ps_args: '-eo pid,uid' })) as { Processes: string[][] };
    expect([...new Set(Processes.map(([, uid]) => uid))]).toEqual(['1000']);
  });

  test('serves the Admin UI, and lets the first owner in with the password of the secret', async () => {
    const page = await fetch(`${url}/`, { headers: { accept: 'text/html' } });
    expect(await page.text()).toContain('stands for the Admin UI');
    const answer = await fetch(`${url}/admin/v1/iam/login`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', origin: url },
      body: JSON.stringify({ email: EMAIL, password: await secret('owner_password') }),
    });
    expect(answer).toMatchObject({ status: 200 });
  });

  test('stops when it is asked to, having told no secret', async () => {
    await container.stop({ t: 30 });
    expect(await state()).toMatchObject({ ExitCode: 0, OOMKilled: false });
    const said = await logs();
    for (const name of [
      'database_url',
      'postgres_password',
      'node_token',
      'owner_password',
      'secret_key',
      'nats_password',
    ])
      expect(said).not.toContain((await secret(name)).trim());
  });
});

/** A database of a role that is not a superuser, as an operator makes it. */
async function createDatabase(password: string): Promise<{ url: string; drop: () => Promise<void> }> {
  const name = `image_${process.pid}`;
  const server = process.env[testServerVariable] ?? '';
  const client = new pg.Client({ connectionString: server });
  await client.connect();
  await client.query(`create role ${name} login password '${password}'`);
  await client.query(`create database ${name} owner ${name}`);
  const url = new URL(server);
  url.username = name;
  url.password = password;
  url.pathname = name;
  return {
    url: url.href,
    drop: async () => {
      await client.query(`drop database ${name} with (force)`);
      await client.query(`drop role ${name}`);
      await client.end();
    },
  };
}

/** Builds the last stage; what it copies out of the others comes from this checkout. */
async function buildImage(docker: Docker, context: string): Promise<void> {
  const text = await readFile(join(here, 'Dockerfile'), 'utf8');
  const [stage = ''] = text.split(/^FROM /m).slice(-1);
  const ui = join(context, 'dist/ui');
  await mkdir(ui, { recursive: true });
  await writeFile(join(ui, 'index.html'), '<!doctype html><title>stands for the Admin UI</title>');
  const rebased = `FROM ${stage}`
    .replace('${NODE_IMAGE}', TEST_IMAGES.platform)
    .replaceAll(/--from=\w+ \/app\//g, '');
  await writeFile(join(context, 'Dockerfile'), rebased);
  await writeFile(join(context, 'left-out'), (await packagesLeftOut()).join('\n'));
  const ours = ['--directory', root, 'package.json', 'contract', 'server', 'stack/generated', 'node_modules'];
  const others = ['--directory', context, 'Dockerfile', 'dist'];
  const options = ['--create', '--anchored', '--exclude-from', join(context, 'left-out')];
  const pack = spawn('tar', [...options, ...ours, ...others], { stdio: ['ignore', 'pipe', 'inherit'] });
  const answer = await docker.buildImage(pack.stdout, { t: IMAGE });
  await new Promise<void>((resolve, reject) => {
    docker.modem.followProgress(answer, (error: Error | null, lines: { error?: string }[]) => {
      const failure = error?.message ?? lines.find((line) => line.error)?.error;
      if (failure === undefined) resolve();
      else reject(new Error(`The image could not be built: ${failure}`));
    });
  });
}

/** What `npm ci --omit=dev --omit=optional` would not install. */
async function packagesLeftOut(): Promise<string[]> {
  const { packages } = JSON.parse(await readFile(join(root, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { dev?: boolean; optional?: boolean; devOptional?: boolean }>;
  };
  const paths = Object.entries(packages)
    .filter(([, { dev, optional, devOptional }]) => dev ?? optional ?? devOptional)
    .map(([path]) => path);
  return [...paths, 'node_modules/.*'];
}

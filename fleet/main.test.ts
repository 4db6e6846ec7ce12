import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { FleetManifest } from './manifest.ts';

// Each test starts processes, which takes its time on a busy machine.
describe('the fleet process', { timeout: 30_000 }, () => {
  let folder: string;
  let manifestPath: string;
  let children: ChildProcess[];

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'fleet-main-'));
    manifestPath = join(folder, 'manifest.json');
    children = [];
  });
  afterEach(async () => {
    for (const child of children) child.kill('SIGKILL');
    await rm(folder, { recursive: true });
  });

  function start(...extra: string[]): { child: ChildProcess; errors: () => string } {
    const args = [
      '--data-dir',
      join(folder, 'data'),
      '--environments',
      'dev',
      '--manifest',
      manifestPath,
      ...extra,
    ];
    const child = fork(join(import.meta.dirname, 'main.ts'), args, {
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      execArgv: [],
    });
    let errors = '';
    child.stderr?.on('data', (chunk: Buffer) => (errors += chunk.toString()));
    children.push(child);
    return { child, errors: () => errors };
  }

  async function ready(child: ChildProcess): Promise<FleetManifest> {
    const ended = once(child, 'exit').then(([code]) =>
      Promise.reject(new Error(`the fleet ended with ${String(code)}`)),
    );
    const [message] = (await Promise.race([once(child, 'message'), ended])) as [
      { type: string; manifest: FleetManifest },
    ];
    expect(message.type).toBe('ready');
    return message.manifest;
  }

  it('tells its parent and its manifest where it answers, and comes back there with the same token', async () => {
    const first = start();
    const manifest = await ready(first.child);
    expect(JSON.parse(await readFile(manifestPath, 'utf8'))).toEqual(manifest);
    expect((await stat(manifestPath)).mode & 0o777).toBe(0o600);
    expect(manifest.nodes).toHaveLength(10);
    first.child.kill('SIGTERM');
    expect(await once(first.child, 'exit')).toEqual([0, null]);
    expect(await ready(start().child)).toEqual(manifest);
  });

  it('ends when its parent is gone', async () => {
    const { child } = start();
    await ready(child);
    child.disconnect();
    expect(await once(child, 'exit')).toEqual([0, null]);
  });

  it('takes its token from a file', async () => {
    const tokenFile = join(folder, 'token');
    await writeFile(tokenFile, 'a-token-of-its-own\n');
    expect((await ready(start('--token-file', tokenFile).child)).token).toBe('a-token-of-its-own');
  });

  it('starts on other ports when those of the last time are taken', async () => {
    const manifest = await ready(start().child);
    const second = await ready(start().child);
    expect(second.nodes[0]?.url).not.toBe(manifest.nodes[0]?.url);
  });

  it.each([
    ['a folder that cannot be', ['--data-dir', '/dev/null/data'], /cannot create the folder \/dev\/null/],
    ['a missing token file', ['--token-file', '/nowhere/token'], /\/nowhere\/token/],
    ['a wrong port', ['--base-port', 'x'], /--base-port/],
    ['a wrong environment', ['--environments', '../x'], /--environments/],
  ])('says what is wrong with %s in one line, and fails', async (_case, extra, message) => {
    const { child, errors } = start(...extra);
    const [code] = (await once(child, 'close')) as [number];
    expect(code).toBe(1);
    expect(errors()).toMatch(message);
    expect(errors().trim().split('\n')).toHaveLength(1);
  });
});

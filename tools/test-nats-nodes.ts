import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { NodeKind } from '#contract/placement-record.ts';

export interface TestNatsNode {
  node_id: string;
  kind: NodeKind;
  url: string;
  shards: string[];
}

const program = join(import.meta.dirname, '..', 'fleet', 'node-main.ts');
const TOKEN = 'token of the test nodes';

/**
 * Simulated nodes in processes of their own, placed by a bucket on this server; they end with this process. The password of `user` is in
 * the environment variable NATS_PASSWORD.
 */
export async function startTestNatsNodes(
  specs: readonly { kind: NodeKind; name: string }[],
  { environment, nats, user, folder }: { environment: string; nats: string; user?: string; folder: string },
): Promise<{ token: string; nodes: TestNatsNode[]; stop: () => Promise<void> }> {
  const tokenFile = join(folder, 'node-token');
  await writeFile(tokenFile, `${TOKEN}\n`, { mode: 0o600 });
  const children: ChildProcess[] = [];
  const stop = async (): Promise<void> => {
    await Promise.all(
      children.map(async (child) => {
        if (child.exitCode !== null || child.signalCode !== null) return;
        const ended = once(child, 'exit');
        child.kill();
        await ended;
      }),
    );
  };
  const start = async ({ kind, name }: { kind: NodeKind; name: string }): Promise<TestNatsNode> => {
    const node_id = `${environment}-${name}`;
    const shards = kind === 'gateway' ? [] : [name];
    const options = {
      'node-id': node_id,
      kind,
      shards: shards.join(','),
      environment,
      nats,
      'token-file': tokenFile,
      ...(user !== undefined && { 'nats-user': user }),
    };
    const child = fork(
      program,
      Object.entries(options).map(([option, value]) => `--${option}=${value}`),
      {
        stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
        env: { ...process.env, CONTROL_FLEET_SPEED: '10' },
        execArgv: [],
      },
    );
    children.push(child);
    let said = '';
    child.stderr?.on('data', (chunk: Buffer) => (said = (said + chunk.toString()).slice(-1_000)));
    const ended = once(child, 'exit').then(([code]) =>
      Promise.reject(new Error(`${node_id} ended with ${code}: ${said}`)),
    );
    const [message] = (await Promise.race([once(child, 'message'), ended])) as [{ port: number }];
    ended.catch(() => undefined);
    return { node_id, kind, url: `http://127.0.0.1:${message.port}`, shards };
  };
  try {
    return { token: TOKEN, nodes: await Promise.all(specs.map(start)), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

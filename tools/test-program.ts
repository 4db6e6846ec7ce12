/** For tests: a server that is not ours, started, waited for and ended. */
import { spawn } from 'node:child_process';
import { createServer, type RequestListener, type Server } from 'node:http';
import { type AddressInfo } from 'node:net';
import { setTimeout } from 'node:timers/promises';

export interface TestProgram {
  /** What it has written so far. */
  log(): string;
  stop(): Promise<void>;
}

/** Starts a program, and waits until `readyUrl` answers with 200; says what the program wrote when that takes too long. */
export async function startTestProgram(
  command: readonly string[],
  readyUrl: string,
  env: Record<string, string> = {},
): Promise<TestProgram> {
  const [program = '', ...args] = command;
  const child = spawn(program, args, { env: { ...process.env, ...env } });
  let log = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => (log += chunk.toString()));
  }
  const ended = new Promise<void>((resolve) => {
    child.once('error', (error) => {
      log += error.message;
      resolve();
    });
    child.once('exit', () => resolve());
  });
  const stop = (): Promise<void> => {
    child.kill();
    return ended;
  };
  const deadline = Date.now() + 20_000;
  while (!(await fetch(readyUrl).catch(() => undefined))?.ok) {
    if (Date.now() > deadline || child.exitCode !== null) {
      await stop();
      throw new Error(`${program} does not answer at ${readyUrl}: ${log}`);
    }
    await setTimeout(50);
  }
  return { log: () => log, stop };
}

/** An HTTP server of the test’s own, on a free port of this machine or on a socket; and its address. */
export async function startTestServer(
  listener: RequestListener,
  socket?: string,
): Promise<{ server: Server; address: string }> {
  const server = createServer(listener);
  await new Promise<void>((resolve) =>
    socket === undefined ? server.listen(0, '127.0.0.1', resolve) : server.listen(socket, resolve),
  );
  const address = server.address() as AddressInfo | string;
  return { server, address: typeof address === 'string' ? address : `127.0.0.1:${address.port}` };
}

/** An address on which nothing listens now. */
export async function freeAddress(): Promise<string> {
  const { server, address } = await startTestServer(() => undefined);
  await new Promise((resolve) => server.close(resolve));
  return address;
}

/** Runs the real server as a process of its own, as an operator would, and talks to it over HTTP. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { nodeFlags, programEnvironment } from '#tools/setup.mjs';

export const OWNER = { email: 'owner@example.com', password: 'correct horse battery staple' };
const root = path.join(import.meta.dirname, '..');

export interface ControlProcess {
  url: string;
  pid: number;
  dataDir: string;
  /** All that it printed so far. */
  output(): string;
  /** Resolves with the exit code, or the signal that ended it. */
  ended: Promise<number | NodeJS.Signals>;
  kill(signal: NodeJS.Signals): void;
  /** Ends it politely and waits. */
  stop(): Promise<void>;
}

interface Start {
  args?: string[];
  env?: Record<string, string>;
  dataDir: string;
  port: number;
  /** Path from the repository's root. */
  program?: string;
}

/** Starts a server and resolves when it says that it is ready. */
export async function startControl(start: Start): Promise<ControlProcess> {
  const control = launchControl(start);
  const isReady = () => /is ready: /.test(control.output());
  let ended: number | NodeJS.Signals | null = null;
  const end = control.ended.then((code) => (ended = code));
  while (!isReady() && ended === null) await Promise.race([control.moved(), end]);
  if (!isReady()) throw new Error(`The server ended with ${ended}:\n${control.output()}`);
  return control;
}

/** Starts a server and does not wait. */
export function launchControl({
  args = [],
  env = {},
  dataDir,
  port,
  program = 'server/main.ts',
}: Start): ControlProcess & { moved(): Promise<unknown> } {
  const child: ChildProcess = spawn(process.execPath, [...nodeFlags, path.join(root, program), ...args], {
    cwd: dataDir,
    env: {
      ...programEnvironment(),
      PORT: String(port),
      CONTROL_DATA_DIR: path.join(dataDir, 'data'),
      CONTROL_OWNER_EMAIL: OWNER.email,
      CONTROL_OWNER_PASSWORD: OWNER.password,
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const ended = once(child, 'exit').then(([code, signal]) => (code ?? signal) as number | NodeJS.Signals);
  return {
    url: `http://localhost:${port}`,
    pid: child.pid ?? 0,
    dataDir,
    output: () => output,
    moved: () => Promise.race([once(child.stdout ?? child, 'data'), once(child.stderr ?? child, 'data')]),
    ended,
    kill: (signal) => void child.kill(signal),
    stop: async () => {
      child.kill('SIGTERM');
      await ended;
    },
  };
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}

/** A folder that the embedded PostgreSQL's user can reach, removed by `remove`. */
export async function temporaryFolder(): Promise<{ folder: string; remove: () => Promise<void> }> {
  const folder = await mkdtemp(path.join(tmpdir(), 'control-e2e-'));
  return { folder, remove: () => rm(folder, { recursive: true, force: true }) };
}

export interface Answer<T> {
  status: number;
  headers: Headers;
  body: T;
}

/** A signed-in caller with its cookie and CSRF token. */
export interface Caller {
  call<T = Record<string, unknown>>(
    method: string,
    path: string,
    body?: unknown,
    headers?: Record<string, string>,
  ): Promise<Answer<T>>;
  /** The session cookie as a browser would send it. */
  cookie: string;
  csrf_token: string;
}

/** Signs in over HTTP. */
export async function signIn(url: string, credentials = OWNER): Promise<Caller> {
  const login = await fetch(`${url}/admin/v1/iam/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(credentials),
  });
  if (login.status !== 200) throw new Error(`sign-in answered ${login.status}: ${await login.text()}`);
  const cookie = (login.headers.get('set-cookie') ?? '').split(';')[0] ?? '';
  const { csrf_token } = (await login.json()) as { csrf_token: string };
  return {
    cookie,
    csrf_token,
    call: async <T>(
      method: string,
      address: string,
      body?: unknown,
      headers: Record<string, string> = {},
    ) => {
      const answer = await fetch(`${url}/admin/v1${address}`, {
        method,
        headers: {
          cookie,
          'x-csrf-token': csrf_token,
          ...(body !== undefined && { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      });
      const text = await answer.text();
      return {
        status: answer.status,
        headers: answer.headers,
        body: (text === '' ? null : JSON.parse(text)) as T,
      };
    },
  };
}

/** Reads until `accept` is true; fails with what it saw last. */
export async function waitFor<T>(
  what: string,
  read: () => Promise<T>,
  accept: (value: T) => boolean,
  withinMs = 30_000,
): Promise<T> {
  for (const deadline = Date.now() + withinMs; ; await new Promise((resolve) => setTimeout(resolve, 50))) {
    const value = await read().catch((error: Error) => error as unknown as T);
    if (!(value instanceof Error) && accept(value)) return value;
    if (Date.now() > deadline)
      throw new Error(
        `${what} did not come within ${withinMs} ms; last: ${value instanceof Error ? value.message : JSON.stringify(value)?.slice(0, 2000)}`,
      );
  }
}

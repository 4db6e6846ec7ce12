import { createServer, type RequestListener, type Server } from 'node:http';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SwarmEngine } from './swarm-engine.ts';

/** What no real engine does when asked to: hang, refuse, talk rubbish. */
describe('an engine that gives no usable answer', () => {
  let folder: string;
  let socket_path: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'engine-'));
    socket_path = join(folder, 'docker.sock');
  });
  let server: Server | undefined;
  let engine: SwarmEngine | undefined;
  afterEach(async () => {
    engine?.close();
    server?.closeAllConnections();
    await new Promise((resolve) => (server ? server.close(resolve) : resolve(null)));
    server = undefined;
    rmSync(folder, { recursive: true });
  });

  const engineThat = async (answer: RequestListener): Promise<SwarmEngine> => {
    server = createServer(answer);
    await new Promise<void>((resolve) => server?.listen(socket_path, resolve));
    return new SwarmEngine({ socket_path }, 200);
  };
  const says =
    (status: number, message: string): RequestListener =>
    (_request, response) =>
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify({ message }));

  it.each<[string, RequestListener, string, RegExp]>([
    ['hangs', () => undefined, 'unavailable', /gives no answer: not within 0\.2 s/],
    ['hangs up', (request) => request.socket.destroy(), 'unavailable', /gives no answer: socket hang up/],
    ['manages no swarm', says(503, 'This node is not a swarm manager.'), 'unavailable', /manages no swarm/],
    [
      'has lost its leader',
      says(500, 'rpc error: code = Unknown desc = The swarm does not have a leader.'),
      'unavailable',
      /failed: The swarm does not have a leader/,
    ],
    ['forbids it', says(403, 'authorization denied by plugin'), 'refused', /refuses: authorization denied/],
    ['talks rubbish', (_request, response) => response.end('<html>'), 'unavailable', /no list/],
  ])('%s is told as such', async (_what, answer, code, message) => {
    engine = await engineThat(answer);
    await expect(engine.nodes({})).rejects.toMatchObject({ name: 'OrchestratorError', code, message });
  });

  it('is not confused with a change that came too late', async () => {
    engine = await engineThat(says(500, 'rpc error: code = Unknown desc = update out of sequence'));
    const spec = { Role: 'worker', Availability: 'drain' } as const;
    await expect(engine.updateNode('node', 3, spec)).rejects.toMatchObject({
      name: 'OrchestratorConflictError',
      id: 'node',
    });
  });

  it('is asked on the socket that was named, whatever DOCKER_HOST says', async () => {
    process.env['DOCKER_HOST'] = 'tcp://127.0.0.1:1';
    try {
      engine = await engineThat((_request, response) => response.end('[]'));
      expect(await engine.nodes({})).toEqual([]);
    } finally {
      delete process.env['DOCKER_HOST'];
    }
  });
});

import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { placementFilePath, startFleet, type Fleet } from '#fleet/fleet.ts';
import { waitUntil } from '#fleet/wait-until.ts';
import { openPlacementFileStore } from '#server/adapters/placement-file/placement-file-store.ts';
import { placementRecord } from '#server/scale/placement-store.conformance.ts';
import type { NodeAddress, NodeCallError } from '#server/scale/node-admin.ts';
import { createNodeAdminClient } from './node-admin-client.ts';

const DEADLINE = '2099-01-01T00:00:00.000Z';

describe('the node admin client, against simulated nodes', () => {
  let folder: string;
  let fleet: Fleet;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'node-admin-'));
    const store = openPlacementFileStore(placementFilePath(folder, 'dev'));
    await store.putMany([placementRecord()]);
    await store.close();
    fleet = await startFleet({ dataDir: folder, environments: ['dev'], speed: 20 });
    await fleet.loaded;
  });
  afterEach(() => fleet.faults.clear());
  afterAll(async () => {
    await fleet.close();
    await rm(folder, { recursive: true });
  });

  const client = (deadlineMs = 400): ReturnType<typeof createNodeAdminClient> =>
    createNodeAdminClient({ token: () => fleet.manifest.token, deadlineMs });
  const address = (node_id = 'dev-agg-1'): NodeAddress => {
    const node = fleet.manifest.nodes.find((each) => each.node_id === node_id);
    if (node === undefined) throw new Error(`no node ${node_id}`);
    return node;
  };
  const fault = (kind: Parameters<Fleet['faults']['switchOn']>[0]['fault'], value?: number): void => {
    fleet.faults.switchOn({ node_id: 'dev-agg-1', fault: kind, ...(value === undefined ? {} : { value }) });
  };

  it('reads status, readiness and tenants, reloads, drains and resumes', async () => {
    const admin = client();
    expect(await admin.status(address())).toMatchObject({ node_id: 'dev-agg-1', shards: ['agg-1'] });
    expect(await admin.ready(address())).toMatchObject({ ready: true });
    expect(await admin.reload(address())).toMatchObject({ node_id: 'dev-agg-1', placement_revision: 1 });
    expect(await admin.tenant(address(), 'acme')).toMatchObject({ tenant_id: 'acme', state: 'active' });
    expect(await admin.drainTenant(address(), 'acme', DEADLINE)).toMatchObject({ state: 'draining' });
    await waitUntil(
      'acme is drained',
      async () => (await admin.tenant(address(), 'acme')).state === 'drained',
    );
    expect(await admin.resumeTenant(address(), 'acme')).toMatchObject({ state: 'active' });
    expect(await admin.tenant(address('dev-agg-2'), 'acme')).toMatchObject({ state: 'absent' });
  });

  it('drains and resumes a whole node', async () => {
    const admin = client();
    const node = address('dev-agg-1');
    expect(await admin.drainNode(node)).toMatchObject({ node_id: 'dev-agg-1', draining: true });
    expect(await admin.ready(node)).toMatchObject({
      ready: false,
      checks: expect.arrayContaining([expect.objectContaining({ name: 'accepting_work', ok: false })]),
    });
    await waitUntil('nothing is left', async () => (await admin.status(node)).inflight === 0);
    fault('refuses_resume');
    await expect(admin.resumeNode(node)).rejects.toMatchObject({
      code: 'bad_status',
      status: 500,
      path: '/admin/resume',
    });
    fleet.faults.clear();
    expect(await admin.resumeNode(node)).toMatchObject({ draining: false });
    expect(await admin.ready(node)).toMatchObject({ ready: true });
  });

  it('reads the checks of a node that is not ready', async () => {
    fault('not_ready');
    expect(await client().ready(address())).toMatchObject({
      ready: false,
      checks: expect.arrayContaining([expect.objectContaining({ name: 'dependencies', ok: false })]),
    });
  });

  it('never takes a late answer for a healthy one', async () => {
    for (const [kind, value] of [
      ['hang', undefined],
      ['slow', 3_000],
    ] as const) {
      fleet.faults.clear();
      fault(kind, value);
      const began = performance.now();
      await expect(client(150).status(address())).rejects.toMatchObject({
        code: 'timeout',
        node_id: 'dev-agg-1',
        path: '/admin/status',
      });
      expect(performance.now() - began).toBeLessThan(1_000);
    }
  });

  it('never takes a wrong answer for a healthy one', async () => {
    fault('garbage');
    await expect(client().status(address())).rejects.toMatchObject({ code: 'bad_response', status: 200 });
    await expect(client().ready(address())).rejects.toMatchObject({ code: 'bad_response' });
  });

  it('names status and detail of a node that fails or refuses', async () => {
    await expect(client().resumeTenant(address('dev-agg-2'), 'acme')).rejects.toMatchObject({
      code: 'bad_status',
      status: 409,
      detail: expect.stringContaining('acme is not on node dev-agg-2'),
    });
    fault('refuses_resume');
    await expect(client().resumeTenant(address(), 'acme')).rejects.toMatchObject({
      code: 'bad_status',
      status: 500,
    });
    fault('error_500');
    await expect(client().ready(address())).rejects.toMatchObject({
      code: 'bad_status',
      status: 500,
      detail: 'the node has failed',
    });
  });

  it('rides out a restart that is shorter than its deadline', async () => {
    await client().status(address());
    fault('restart', 20);
    expect(await client(2_000).status(address())).toMatchObject({ node_id: 'dev-agg-1' });
  });

  it('says that a node is unreachable', async () => {
    const gone = { ...address(), url: 'http://127.0.0.1:9' };
    await expect(client().status(gone)).rejects.toMatchObject({ code: 'unreachable', status: null });
  });

  it('notices that another node answers at the address', async () => {
    const swapped = { ...address('dev-agg-2'), url: address('dev-agg-1').url };
    await expect(client().status(swapped)).rejects.toMatchObject({
      code: 'bad_response',
      detail: 'node dev-agg-1 answered',
    });
  });

  it('is refused without the right token, and does not insist', async () => {
    const stranger = createNodeAdminClient({ token: 'wrong' });
    await expect(stranger.status(address())).rejects.toMatchObject({ code: 'bad_status', status: 401 });
  });
});

describe('the node admin client, against a server that does as told', () => {
  let server: Server;
  const requests: { headers: Record<string, unknown>; url: string }[] = [];
  let answer: RequestListener;
  beforeAll(async () => {
    server = createServer((request, response) => {
      requests.push({ headers: request.headers, url: request.url ?? '' });
      answer(request, response);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });
  afterEach(() => requests.splice(0));
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });

  const node = (): NodeAddress => ({
    node_id: 'n1',
    kind: 'aggregate',
    environment: 'dev',
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
  });
  const admin = createNodeAdminClient({ token: 'secret', deadlineMs: 2_000 });
  const replyWith =
    (status: number, body: string, headers = {}): RequestListener =>
    (_request, response) => {
      response.writeHead(status, headers).end(body);
    };
  const failure = (call: Promise<unknown>): Promise<NodeCallError> =>
    call.then(
      () => expect.unreachable('the call must fail'),
      (error: unknown) => error as NodeCallError,
    );

  it('sends token and request id', async () => {
    answer = replyWith(200, '{"node_id":"n1","placement_revision":7}');
    await admin.reload(node(), { request_id: 'req-7' });
    expect(requests[0]?.headers).toMatchObject({ authorization: 'Bearer secret', 'x-request-id': 'req-7' });
  });

  it('cannot be led to another endpoint by a tenant id', async () => {
    answer = replyWith(404, '{}');
    await failure(admin.tenant(node(), '../../admin/drain?x='));
    expect(requests[0]?.url).toBe('/admin/tenants/..%2F..%2Fadmin%2Fdrain%3Fx%3D');
  });

  it('tries three times on a server error, and once on a refusal', async () => {
    answer = replyWith(502, 'bad gateway');
    expect(await failure(admin.status(node()))).toMatchObject({ code: 'bad_status', status: 502 });
    expect(requests).toHaveLength(3);
    requests.splice(0);
    answer = replyWith(429, 'slow down');
    expect(await failure(admin.status(node()))).toMatchObject({ code: 'bad_status', status: 429 });
    expect(requests).toHaveLength(1);
  });

  it('takes the good answer that follows a broken connection', async () => {
    answer = (request, response) => {
      if (requests.length === 1) request.socket.destroy();
      else replyWith(200, '{"node_id":"n1","placement_revision":7}')(request, response);
    };
    expect(await admin.reload(node())).toEqual({ node_id: 'n1', placement_revision: 7 });
  });

  it('does not follow a redirect, even to a good answer', async () => {
    answer = (request, response) => {
      if (request.url === '/elsewhere')
        replyWith(200, '{"node_id":"n1","placement_revision":7}')(request, response);
      else replyWith(303, '', { location: '/elsewhere' })(request, response);
    };
    expect(await failure(admin.reload(node()))).toMatchObject({ code: 'unreachable' });
    expect(requests.map(({ url }) => url)).not.toContain('/elsewhere');
  });

  it('stops reading an answer that is too large', async () => {
    let sent = 0;
    answer = (_request, response) => {
      response.writeHead(200);
      const more = (): void => {
        while (!response.destroyed && response.write('x'.repeat(65_536))) sent += 65_536;
        sent += 65_536;
      };
      response.on('drain', more);
      more();
    };
    expect(await failure(admin.status(node()))).toMatchObject({
      code: 'bad_response',
      detail: expect.stringContaining('262144'),
    });
    expect(requests).toHaveLength(1);
    expect(sent).toBeLessThan(64 * 1024 * 1024);
  });

  it('names the field that breaks the contract', async () => {
    answer = replyWith(200, '{"node_id":"n1","placement_revision":-1}');
    expect(await failure(admin.reload(node()))).toMatchObject({
      code: 'bad_response',
      detail: expect.stringContaining('/placement_revision'),
    });
  });

  it('takes a 503 of something in between for an error, not for "not ready"', async () => {
    answer = replyWith(503, '<html>no upstream</html>');
    expect(await failure(admin.ready(node()))).toMatchObject({ code: 'bad_status', status: 503 });
  });

  it('stops when its caller does, with the reason of the caller', async () => {
    const caller = new AbortController();
    const reason = new Error('not needed any more');
    answer = () => caller.abort(reason);
    expect(await failure(admin.status(node(), { signal: caller.signal }))).toBe(reason);
  });
});

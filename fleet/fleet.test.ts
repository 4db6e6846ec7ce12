import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLocalJWKSet, jwtVerify, type JSONWebKeySet } from 'jose';
import { Value } from 'typebox/value';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  NodeHealthSchema,
  NodeProblemSchema,
  NodeReadySchema,
  NodeSessionChangesSchema,
  NodeSessionListSchema,
  NodeStatusSchema,
  NodeTenantSchema,
  type NodeProblem,
  type NodeSessionChanges,
  type NodeSessionList,
  type NodeSessionRevocation,
  type NodeStatus,
  type NodeTenant,
} from '#contract/node.ts';
import type { PlacementRecord } from '#contract/placement-record.ts';
import { openPlacementFileStore } from '#server/adapters/placement-file/placement-file-store.ts';
import type { PlacementStore } from '#server/scale/placement-store.ts';
import { placementFilePath, startFleet, type Fleet } from './fleet.ts';
import type { Fault } from './faults.ts';
import { waitUntil } from './wait-until.ts';

const record = (
  tenant_id: string,
  shard: string,
  fields: Partial<PlacementRecord> = {},
): PlacementRecord => ({
  tenant_id,
  service: 'aggregate',
  shard,
  state: 'active',
  epoch: 1,
  job_id: null,
  updated_at: '2026-01-01T00:00:00.000Z',
  ...fields,
});

describe('the simulated platform', () => {
  let folder: string;
  let fleet: Fleet;
  let store: PlacementStore;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'fleet-'));
    store = openPlacementFileStore(placementFilePath(folder, 'dev'));
    await store.putMany([record('acme', 'agg-1'), record('other', 'agg-2'), record('mover', 'agg-1')]);
    fleet = await startFleet({ dataDir: folder, environments: ['dev', 'prod'], speed: 10 });
    await fleet.loaded;
  });
  afterEach(() => fleet.faults.clear());
  afterAll(async () => {
    await fleet.close();
    await store.close();
    await rm(folder, { recursive: true });
  });

  const urlOf = (node_id: string): string => {
    const node = fleet.manifest.nodes.find((each) => each.node_id === node_id);
    if (node === undefined) throw new Error(`no node ${node_id}`);
    return node.url;
  };

  async function call<T = unknown>(
    node_id: string,
    method: string,
    path: string,
    body?: unknown,
  ): Promise<{ status: number; body: T }> {
    const response = await fetch(urlOf(node_id) + path, {
      method,
      headers: {
        authorization: `Bearer ${fleet.manifest.token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, body: (text.startsWith('{') ? JSON.parse(text) : text) as T };
  }

  const status = async (node_id: string): Promise<NodeStatus> =>
    (await call<NodeStatus>(node_id, 'GET', '/admin/status')).body;

  it('has ten nodes in each environment, each with its shard and region', () => {
    expect(fleet.manifest.nodes).toHaveLength(20);
    expect(fleet.manifest.nodes.find(({ node_id }) => node_id === 'prod-agg-2')).toMatchObject({
      kind: 'aggregate',
      environment: 'prod',
      shards: ['agg-2'],
      labels: { region: 'us-1' },
    });
  });

  it('answers by the contract on every node', async () => {
    for (const { node_id, kind, environment } of fleet.manifest.nodes) {
      const answer = await status(node_id);
      expect(Value.Check(NodeStatusSchema, answer)).toBe(true);
      expect(answer).toMatchObject({ node_id, kind, environment });
      expect(Value.Check(NodeHealthSchema, (await call(node_id, 'GET', '/health')).body)).toBe(true);
      const ready = await call(node_id, 'GET', '/ready');
      expect(ready.status).toBe(200);
      expect(Value.Check(NodeReadySchema, ready.body)).toBe(true);
      expect(Value.Check(NodeTenantSchema, (await call(node_id, 'GET', '/admin/tenants/acme')).body)).toBe(
        true,
      );
    }
  });

  it('asks for the service token on everything under /admin, and on the control endpoint', async () => {
    for (const authorization of ['', 'Bearer wrong', fleet.manifest.token]) {
      for (const url of [`${urlOf('dev-agg-1')}/admin/status`, `${fleet.manifest.control_url}/faults`]) {
        const response = await fetch(url, { headers: { authorization, 'x-request-id': 'req-1' } });
        expect(response.status).toBe(401);
        expect(response.headers.get('content-type')).toContain('application/problem+json');
        const problem: unknown = await response.json();
        expect(Value.Check(NodeProblemSchema, problem)).toBe(true);
        expect(problem).toMatchObject({ code: 'unauthorized', request_id: 'req-1' });
      }
    }
  });

  it.each([
    ['a drain without deadline', 'POST', '/admin/tenants/acme/drain', {}, 400],
    ['a deadline that is no time', 'POST', '/admin/tenants/acme/drain', { deadline: 'soon' }, 400],
    [
      'an unknown field',
      'POST',
      '/admin/tenants/acme/drain',
      { deadline: '2099-01-01T00:00:00Z', force: true },
      400,
    ],
    ['broken JSON', 'POST', '/admin/tenants/acme/drain', '{"deadline":', 400],
    ['an oversized body', 'POST', '/admin/tenants/acme/drain', { deadline: 'x'.repeat(20_000) }, 413],
    ['a tenant that is not here', 'POST', '/admin/tenants/nobody/resume', undefined, 409],
    ['an oversized tenant id', 'GET', `/admin/tenants/${'x'.repeat(129)}`, undefined, 400],
    ['an unknown path', 'GET', '/admin/nothing', undefined, 404],
    ['a rebuild on an aggregate node', 'POST', '/admin/rebuild', { view: 'orders' }, 404],
    ['sessions of an aggregate node', 'GET', '/admin/sessions', undefined, 404],
  ])('refuses %s with a problem', async (_case, method, path, body, expected) => {
    const answer = await call('dev-agg-1', method, path, body);
    expect(answer.status).toBe(expected);
    expect(Value.Check(NodeProblemSchema, answer.body)).toBe(true);
  });

  it('drains a tenant over time and resumes it', async () => {
    const deadline = '2099-01-01T00:00:00Z';
    const started = await call<NodeTenant>('dev-agg-1', 'POST', '/admin/tenants/acme/drain', { deadline });
    expect(started).toMatchObject({ status: 200, body: { tenant_id: 'acme', state: 'draining' } });
    expect(started.body.inflight).toBeGreaterThan(0);
    await waitUntil('acme is drained', async () => {
      return (await call<NodeTenant>('dev-agg-1', 'GET', '/admin/tenants/acme')).body.state === 'drained';
    });
    expect((await call<NodeTenant>('dev-agg-1', 'POST', '/admin/tenants/acme/resume')).body.state).toBe(
      'active',
    );
  });

  it('moves a tenant when the placement store says so, and every node of the environment acknowledges', async () => {
    const entry = await store.get('aggregate.mover');
    const revision = await store.update(record('mover', 'agg-3', { epoch: 2 }), entry?.revision ?? 0);
    const devNodes = fleet.manifest.nodes.filter(({ environment }) => environment === 'dev');
    for (const { node_id } of devNodes) {
      await waitUntil(
        `${node_id} acknowledges`,
        async () => (await status(node_id)).placement_revision >= revision,
      );
    }
    expect((await call<NodeTenant>('dev-agg-1', 'GET', '/admin/tenants/mover')).body.state).toBe('absent');
    expect((await call<NodeTenant>('dev-agg-3', 'GET', '/admin/tenants/mover')).body.state).toBe('active');
    expect((await status('prod-agg-1')).placement_revision).toBe(0);
  });

  it('has applied a write that was done before a reload when the reload answers', async () => {
    for (let round = 0; round < 5; round += 1) {
      const entry = await store.get('aggregate.other');
      const revision = await store.update(record('other', `agg-${1 + (round % 3)}`), entry?.revision ?? 0);
      const answer = await call('dev-agg-2', 'POST', '/admin/reload');
      expect(answer.body).toEqual({ node_id: 'dev-agg-2', placement_revision: revision });
    }
  });

  it('rebuilds views on projection nodes', async () => {
    const answer = await call('dev-prj-1', 'POST', '/admin/rebuild', { view: 'orders', tenant_id: 'acme' });
    expect(answer).toMatchObject({
      status: 202,
      body: { view: 'orders', tenant_id: 'acme', state: 'running' },
    });
  });

  it('lists and revokes sessions, the same on both gateways, and tells what changed', async () => {
    const listed = await call<NodeSessionList>('dev-gw-1', 'GET', '/admin/sessions?tenant_id=acme');
    expect(Value.Check(NodeSessionListSchema, listed.body)).toBe(true);
    const { feed, revision, items } = listed.body;
    const first = items[0]?.session_id ?? '';
    const revoke = (node_id: string, body: object) =>
      call<NodeSessionRevocation>(node_id, 'POST', '/admin/sessions/revoke', body);
    expect((await revoke('dev-gw-1', { session_ids: [first] })).body).toEqual({ revoked: 1 });
    expect((await revoke('dev-gw-2', { session_ids: [first] })).body).toEqual({ revoked: 0 });
    const changes = `/admin/sessions/changes?feed=${feed}&since=${revision}`;
    const changed = await call<NodeSessionChanges>('dev-gw-2', 'GET', changes);
    expect(Value.Check(NodeSessionChangesSchema, changed.body)).toBe(true);
    expect(changed.body).toMatchObject({
      revision: revision + 1,
      more: false,
      items: [{ session_id: first, ended_reason: 'revoked' }],
    });
    expect((await revoke('dev-gw-2', { tenant_id: 'acme' })).body).toEqual({ revoked: items.length - 1 });
    const after = await call<NodeSessionList>('dev-gw-1', 'GET', '/admin/sessions?tenant_id=acme');
    expect(after.body.items.every(({ ended_at }) => ended_at !== null)).toBe(true);
    expect((await revoke('dev-gw-1', {})).status).toBe(400);
    for (const gone of [`feed=other&since=0`, `feed=${feed}&since=999999`]) {
      const answer = await call<NodeProblem>('dev-gw-1', 'GET', `/admin/sessions/changes?${gone}`);
      expect([answer.status, answer.body.code]).toEqual([410, 'history_gone']);
    }
  });

  it('refuses a signed access token at the next request after its session was revoked, on every gateway', async () => {
    const alice = await signIn('alice');
    const bob = await signIn('bob');
    const { keys } = (await (
      await fetch(`${urlOf('dev-gw-2')}/.well-known/jwks.json`)
    ).json()) as JSONWebKeySet;
    const { payload } = await jwtVerify(alice.access_token, createLocalJWKSet({ keys }));
    expect(payload).toMatchObject({ sub: 'alice', tenant_id: 'acme', sid: alice.session_id });
    expect(await mayUse('dev-gw-2', alice.access_token)).toBe(true);
    await call('dev-gw-1', 'POST', '/admin/sessions/revoke', { tenant_id: 'acme', user_id: 'alice' });
    expect(await mayUse('dev-gw-1', alice.access_token)).toBe(false);
    expect(await mayUse('dev-gw-2', alice.access_token)).toBe(false);
    expect(await mayUse('dev-gw-2', bob.access_token)).toBe(true);
    expect((await refresh(alice.refresh_token)).status).toBe(401);
    const [head = '', body = ''] = bob.access_token.split('.');
    expect(await mayUse('dev-gw-1', `${head}.${body}.${alice.access_token.split('.')[2]}`)).toBe(false);
  });

  it('takes each refresh token once, and ends the whole family when a used one comes again', async () => {
    const carol = await signIn('carol');
    const second = (await (await refresh(carol.refresh_token)).json()) as Tokens;
    expect(await mayUse('dev-gw-1', second.access_token)).toBe(true);
    expect((await refresh(carol.refresh_token)).status).toBe(401);
    expect(await mayUse('dev-gw-1', second.access_token)).toBe(false);
    expect((await refresh(second.refresh_token)).status).toBe(401);
    const listed = await call<NodeSessionList>('dev-gw-1', 'GET', '/admin/sessions?tenant_id=acme');
    const session = listed.body.items.find(({ session_id }) => session_id === carol.session_id);
    expect(session).toMatchObject({ user_id: 'carol', ended_reason: 'refresh_token_reused' });
  });

  interface Tokens {
    access_token: string;
    refresh_token: string;
    session_id: string;
  }
  const post = (path: string, body: object) =>
    fetch(`${urlOf('dev-gw-1')}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
  const refresh = (refresh_token: string) => post('/refresh', { refresh_token });
  const signIn = async (user_id: string) =>
    (await (await post('/sign-in', { tenant_id: 'acme', user_id })).json()) as Tokens;
  const mayUse = async (node_id: string, access_token: string) =>
    (await fetch(`${urlOf(node_id)}/me`, { headers: { authorization: `Bearer ${access_token}` } })).ok;

  it('exports metrics with service and environment, build info, and tenants bounded', async () => {
    await store.putMany(Array.from({ length: 100 }, (_, index) => record(`many-${index}`, 'agg-1')));
    await call('dev-agg-1', 'POST', '/admin/reload');
    await call('dev-agg-1', 'GET', '/admin/tenants/acme');
    const text = (await call<string>('dev-agg-1', 'GET', '/metrics')).body;
    expect(text).toMatch(
      /^aggregate_build_info\{version="[^"]+",git_sha="[^"]+",service="aggregate",env="dev"\} 1$/m,
    );
    expect(text).toMatch(
      /^http_requests_total\{path="\/admin\/tenants\/:tenant_id",method="GET",status="200"/m,
    );
    expect(text).toMatch(/^platform_placement_revision\{service="aggregate",env="dev"\} \d+$/m);
    const tenants = text.match(/^aggregate_in_flight_commands\{tenant_id="[^"]+"/gm) ?? [];
    expect(tenants.length).toBeGreaterThan(1);
    expect(tenants.length).toBeLessThanOrEqual(21);
    expect(tenants).toContain('aggregate_in_flight_commands{tenant_id="other"');
    expect((await call('dev-gw-1', 'GET', '/metrics')).body).toContain(
      'gateway_tenant_requests_total{tenant_id="other"',
    );
    expect((await call('dev-prj-1', 'GET', '/metrics')).body).toMatch(
      /^projection_processing_errors_total\{tenant_id="other",view_type="[^"]+",service="projection",env="dev"\} /m,
    );
  });

  describe('its control endpoint', () => {
    const control = async <T = unknown>(
      method: string,
      path: string,
      body?: unknown,
    ): Promise<{ status: number; body: T }> => {
      const response = await fetch(fleet.manifest.control_url + path, {
        method,
        headers: {
          authorization: `Bearer ${fleet.manifest.token}`,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const text = await response.text();
      return { status: response.status, body: (text === '' ? null : JSON.parse(text)) as T };
    };

    it('switches a fault on, lists it, and switches it off', async () => {
      const fault = await control<Fault>('POST', '/faults', { node_id: 'dev-agg-1', fault: 'error_500' });
      expect(fault).toMatchObject({
        status: 201,
        body: { node_id: 'dev-agg-1', fault: 'error_500', tenant_id: null, value: null },
      });
      expect((await control<{ items: Fault[] }>('GET', '/faults')).body.items).toEqual([fault.body]);
      expect((await call('dev-agg-1', 'GET', '/admin/status')).status).toBe(500);
      expect((await control('DELETE', `/faults/${fault.body.id}`)).status).toBe(204);
      expect((await call('dev-agg-1', 'GET', '/admin/status')).status).toBe(200);
      expect((await control('DELETE', `/faults/${fault.body.id}`)).status).toBe(404);
      await control('POST', '/faults', { node_id: 'dev-agg-1', fault: 'not_ready' });
      expect((await call('dev-agg-1', 'GET', '/ready')).status).toBe(503);
      expect((await control('DELETE', '/faults')).status).toBe(204);
      expect((await control<{ items: Fault[] }>('GET', '/faults')).body.items).toEqual([]);
    });

    it.each([
      [{ node_id: 'dev-agg-9', fault: 'hang' }, 404],
      [{ node_id: 'dev-agg-1', fault: 'earthquake' }, 400],
      [{ node_id: 'dev-agg-1', fault: 'slow', value: '3' }, 400],
      [{ fault: 'slow' }, 400],
      [{ environment: 'dev', fault: 'tenant_attacks' }, 400],
      [{ environment: 'nowhere', fault: 'login_attack' }, 404],
    ])('refuses %j with %i', async (body, expected) => {
      expect((await control('POST', '/faults', body)).status).toBe(expected);
    });
  });

  it('answers nobody while a node is down, and again on the same port when it is not, counting from 0', async () => {
    await call('dev-prj-2', 'GET', '/admin/status');
    const before = (await call<string>('dev-prj-2', 'GET', '/metrics')).body;
    expect(before).toContain('path="/admin/status"');
    const { id } = fleet.faults.switchOn({ node_id: 'dev-prj-2', fault: 'node_down' });
    await waitUntil('the node is down', () =>
      call('dev-prj-2', 'GET', '/health').then(
        () => false,
        () => true,
      ),
    );
    fleet.faults.switchOff(id);
    const after = await waitUntil('the node is back', () =>
      call<string>('dev-prj-2', 'GET', '/metrics').catch(() => undefined),
    );
    expect(after.body).not.toContain('path="/admin/status"');
  });

  it('comes back on the same port after a restart, with its drains forgotten', async () => {
    await call('dev-agg-1', 'POST', '/admin/tenants/acme/drain', { deadline: '2099-01-01T00:00:00Z' });
    fleet.faults.switchOn({ node_id: 'dev-agg-1', fault: 'restart', value: 30 });
    await waitUntil('the node is down', () =>
      call('dev-agg-1', 'GET', '/health').then(
        () => false,
        () => true,
      ),
    );
    const answer = await waitUntil('the node is back', () =>
      call<NodeTenant>('dev-agg-1', 'GET', '/admin/tenants/acme').catch(() => undefined),
    );
    expect(answer.body.state).toBe('active');
    expect(fleet.faults.list()).toEqual([]);
  });
});

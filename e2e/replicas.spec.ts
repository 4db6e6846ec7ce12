/** Several servers on one database: either serves any request, one watches, and neither a killed nor a replaced one loses anything. */
import { request } from 'node:http';
import { expect, test } from '@playwright/test';
import type { Job } from '#contract/jobs.ts';
import { freePort, signIn, waitFor, type Caller, type ControlProcess } from './control-process.ts';
import {
  createTenant,
  startLastingPlatform,
  startMove,
  waitForJob,
  type LastingPlatform,
} from './lasting-platform.ts';

interface Ready {
  ready: boolean;
  checks: { name: string; ok: boolean; detail: string }[];
}
const readiness = async ({ url }: ControlProcess): Promise<Ready> =>
  (await fetch(`${url}/ready`)).json() as Promise<Ready>;
const watcherOf = async (control: ControlProcess) =>
  (await readiness(control)).checks.find(({ name }) => name === 'placement_watcher')?.detail ?? '';

/** A load balancer in small: in turns to those that are ready, on when nobody listens. A connection that breaks later is a failure. */
function balance(ports: readonly number[]) {
  const ready = new Set<number>(ports);
  let turn = 0;
  const look = async () => {
    for (const port of ports) {
      const answer = await fetch(`http://localhost:${port}/ready`).catch(() => null);
      if (answer?.ok) ready.add(port);
      else ready.delete(port);
    }
  };
  const send = (port: number, method: string, path: string, headers: Record<string, string>, body?: string) =>
    new Promise<{ status: number; body: string } | null>((resolve, reject) => {
      const call = request({ host: '127.0.0.1', port, method, path, headers }, (answer) => {
        let text = '';
        answer.on('data', (chunk: Buffer) => (text += chunk.toString()));
        answer.on('error', reject).on('end', () => resolve({ status: answer.statusCode ?? 0, body: text }));
      });
      call.on('error', (error: NodeJS.ErrnoException) =>
        error.code === 'ECONNREFUSED' ? resolve(null) : reject(error),
      );
      call.end(body);
    });
  return {
    look,
    call: async (method: string, path: string, headers: Record<string, string>, body?: string) => {
      const candidates = [...ready];
      for (let tried = 0; tried < candidates.length; tried++) {
        const port = candidates[turn++ % candidates.length];
        const answer = port === undefined ? null : await send(port, method, path, headers, body);
        if (answer) return answer;
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
      throw new Error(`none of ${candidates.length} ready servers listens`);
    },
  };
}

test.describe.serial('two servers on one database', () => {
  let platform: LastingPlatform;
  let servers: [ControlProcess, ControlProcess];

  test.beforeAll(async () => {
    platform = await startLastingPlatform({ speed: 1 });
    servers = await Promise.all([platform.start(), platform.start()]);
  });
  test.afterAll(async () => {
    await Promise.all((servers ?? []).map((server) => server.stop()));
    await platform?.stop();
  });

  test('a session and what was done by one are known to the other at once', async () => {
    const [first, second] = servers;
    const here = await signIn(first.url);
    await createTenant(here, 'shared-one');
    const there = {
      cookie: here.cookie,
      'x-csrf-token': here.csrf_token,
      'content-type': 'application/json',
    };
    const read = await fetch(`${second.url}/admin/v1/tenants/shared-one`, { headers: there });
    expect(read.status).toBe(200);
    const etag = read.headers.get('etag') ?? '';
    const change = (url: string) =>
      fetch(`${url}/admin/v1/tenants/shared-one`, {
        method: 'PATCH',
        headers: { ...there, 'if-match': etag, 'idempotency-key': 'one-intent' },
        body: JSON.stringify({ name: 'Changed by the second' }),
      });
    const done = await change(second.url);
    expect(done.status).toBe(200);
    const replayed = await change(first.url);
    expect(await replayed.json()).toEqual(await done.json());

    expect((await here.call('POST', '/iam/logout')).status).toBe(200);
    const afterwards = await fetch(`${second.url}/admin/v1/iam/me`, { headers: there });
    expect(afterwards.status).toBe(401);
  });

  test('one watches the platform, and when it is killed the other takes over', async () => {
    const details = await waitFor(
      'one leader and one follower',
      () => Promise.all(servers.map(watcherOf)),
      (found) =>
        found.some((detail) => detail.startsWith('watches')) &&
        found.some((detail) => detail.startsWith('follows')),
    );
    const leader = details.findIndex((detail) => detail.startsWith('watches')) as 0 | 1;
    const follower = servers[leader === 0 ? 1 : 0];
    const from = Date.now();
    servers[leader].kill('SIGKILL');
    await servers[leader].ended;
    await waitFor(
      'the other to watch',
      () => watcherOf(follower),
      (detail) => detail.startsWith('watches'),
    );
    test.info().annotations.push({ type: 'took over after', description: `${Date.now() - from} ms` });
    servers[leader] = await platform.start();
    expect((await readiness(servers[leader])).ready).toBe(true);
  });

  test('a job of a killed server is finished by the other within seconds', async () => {
    const [first, second] = servers;
    // Alone, so that the job is the first one's.
    await second.stop();
    const caller = await signIn(first.url);
    await createTenant(caller, 'left-behind');
    const stalled = platform.nodes
      .filter(({ kind }) => kind === 'aggregate')
      .map(({ node_id }) => platform.fleet.faults.switchOn({ fault: 'drain_stalls', node_id }));
    const { job_id, target } = await startMove(platform, caller, 'left-behind');
    const drainOf = async (reader: Caller) =>
      (await reader.call<Job>('GET', `/jobs/${job_id}`)).body.steps.find(({ name }) => name === 'drain');
    await waitFor(
      'the drain to begin',
      () => drainOf(caller),
      (step) => step?.state === 'running',
    );
    servers[1] = await platform.start();
    const rest = await signIn(servers[1].url);

    const killedAt = Date.now();
    first.kill('SIGKILL');
    await waitFor(
      'the drain to be taken up',
      () => drainOf(rest),
      (step) => (step?.attempts ?? 0) > 1,
    );
    test.info().annotations.push({ type: 'taken up after', description: `${Date.now() - killedAt} ms` });
    for (const { id } of stalled) platform.fleet.faults.switchOff(id);
    expect((await waitForJob(rest, job_id)).state).toBe('succeeded');
    expect(await platform.serving('aggregate', 'left-behind')).toEqual([target.node_id]);
    servers[0] = await platform.start();
  });

  test('a rolling restart answers every request, and loses neither a change nor a job', async () => {
    const ports: [number, number] = [await freePort(), await freePort()];
    const patience = { CONTROL_CONFIG: await platform.writeConfiguration({ http: { shutdown_delay_s: 1 } }) };
    const start = (index: 0 | 1) => platform.start({ port: ports[index], env: patience });
    for (const index of [0, 1] as const) {
      await servers[index].stop();
      servers[index] = await start(index);
    }
    const caller = await signIn(servers[0].url);
    await createTenant(caller, 'rolled');
    const headers = { cookie: caller.cookie, 'x-csrf-token': caller.csrf_token };
    const balancer = balance(ports);
    const answers = new Map<number, number>();
    const broken: string[] = [];
    let names = 0;
    let stop = false;
    const count = ({ status }: { status: number }) =>
      void answers.set(status, (answers.get(status) ?? 0) + 1);
    const keep = async (work: () => Promise<void>) => {
      while (!stop) await work().catch((error: unknown) => broken.push(String(error)));
    };
    const read = async () => count(await balancer.call('GET', '/admin/v1/tenants?limit=50', headers));
    const write = async () => {
      const { body } = await balancer.call('GET', '/admin/v1/tenants/rolled', headers);
      const { revision } = JSON.parse(body) as { revision: number };
      const change = { ...headers, 'content-type': 'application/json', 'if-match': `"${revision}"` };
      const name = `Name ${names + 1}`;
      const answer = await balancer.call(
        'PATCH',
        '/admin/v1/tenants/rolled',
        change,
        JSON.stringify({ name }),
      );
      count(answer);
      if (answer.status === 200) names += 1;
    };
    const watching = keep(async () => {
      await balancer.look();
      await new Promise((resolve) => setTimeout(resolve, 100));
    });
    const load = [keep(read), keep(read), keep(write), watching];

    const moving = 'rolled-job';
    await createTenant(caller, moving);
    const { job_id, target } = await startMove(platform, caller, moving);
    for (const index of [0, 1] as const) {
      await servers[index].stop();
      servers[index] = await start(index);
      await waitFor(
        'the balancer to see it',
        () => readiness(servers[index]),
        ({ ready }) => ready,
      );
      await balancer.look();
    }
    stop = true;
    await Promise.all(load);

    expect(broken).toEqual([]);
    expect([...answers.keys()].filter((status) => status !== 200)).toEqual([]);
    expect(answers.get(200)).toBeGreaterThan(100);
    const afterwards = await signIn(servers[1].url);
    const { body } = await afterwards.call<{ name: string }>('GET', '/tenants/rolled');
    expect(body.name).toBe(`Name ${names}`);
    expect((await waitForJob(afterwards, job_id)).state).toBe('succeeded');
    expect(await platform.serving('aggregate', moving)).toEqual([target.node_id]);
  });

  test('an upgraded server finishes what the old one began', async () => {
    const [old, other] = servers;
    await other.stop();
    const caller = await signIn(old.url);
    await createTenant(caller, 'upgraded');
    const stalled = platform.nodes
      .filter(({ kind }) => kind === 'aggregate')
      .map(({ node_id }) => platform.fleet.faults.switchOn({ fault: 'drain_stalls', node_id }));
    const { job_id, target } = await startMove(platform, caller, 'upgraded');
    await waitFor(
      'the drain to begin',
      async () =>
        (await caller.call<Job>('GET', `/jobs/${job_id}`)).body.steps.find(({ name }) => name === 'drain'),
      (step) => step?.state === 'running',
    );
    await old.stop();
    for (const { id } of stalled) platform.fleet.faults.switchOff(id);

    servers[0] = await platform.start({ program: 'e2e/upgraded-control.ts' });
    const afterwards = await signIn(servers[0].url);
    expect((await waitForJob(afterwards, job_id)).state).toBe('succeeded');
    expect(await platform.serving('aggregate', 'upgraded')).toEqual([target.node_id]);
    servers[1] = await platform.start();
  });
});

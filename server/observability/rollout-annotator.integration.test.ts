import { randomUUID } from 'node:crypto';
import { Registry } from 'prom-client';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { EnvironmentConfiguration } from '#server/configuration.ts';
import { openDatabase, type DatabaseHandle } from '#server/db/database.ts';
import { createTestDatabase, type TestDatabase } from '#server/db/test-database.ts';
import { openObservability } from '#server/open-observability.ts';
import { startTestHttpServer, type TestHttpServer, type TestReply } from '#tools/test-http-server.ts';
import { countAnnotations, MOST_ATTEMPTS, startRolloutAnnotator } from './rollout-annotator.ts';

const inOrder = (left = '', right = ''): number => left.localeCompare(right);
const TOKEN = 'glsa_secret';

describe('rollouts', () => {
  let testDatabase: TestDatabase;
  let database: DatabaseHandle;
  let grafana: TestHttpServer;
  /** What Grafana has, by its tags. */
  let kept: { time: number; text: string; tags: string[] }[];
  const running: { stop: () => Promise<void> }[] = [];
  beforeAll(async () => {
    testDatabase = await createTestDatabase();
    database = openDatabase(testDatabase.url, { max: 6 });
    grafana = await startTestHttpServer();
  });
  afterAll(async () => {
    await grafana?.close();
    await database?.close();
    await testDatabase?.drop();
  });
  beforeEach(async () => {
    await Promise.all(running.splice(0).map((each) => each.stop()));
    await database.pool.query('truncate rollout_annotations');
    await database.pool.query('delete from jobs');
    kept = [];
    grafana.requests.splice(0);
    grafana.answer(works);
    return async () => {
      await Promise.all(running.splice(0).map((each) => each.stop()));
    };
  });

  /** Grafana as its HTTP API is documented. */
  const works = ({ method, path, query, body }: TestHttpServer['requests'][number]): TestReply => {
    if (path !== '/api/annotations') return { status: 404, body: { message: 'Not found' } };
    if (method === 'POST') {
      kept.push(JSON.parse(body) as (typeof kept)[number]);
      return { body: { message: 'Annotation added', id: kept.length } };
    }
    const tags = query.getAll('tags');
    const found = kept.filter((each) => tags.every((tag) => each.tags.includes(tag)));
    return { body: found.map((each, index) => ({ id: index + 1, ...each })) };
  };

  const registry = () => new Registry();
  const warn = vi.fn<(about: object, message: string) => void>();
  function start(metrics = registry()): void {
    const observability = { grafana_url: grafana.url, credentials: { grafana: { token_env: 'T' } } };
    const environments = [
      openObservability({ name: 'prod', observability } as unknown as EnvironmentConfiguration, { T: TOKEN }),
      openObservability({ name: 'dev' } as EnvironmentConfiguration, {}),
    ];
    const options = {
      db: database.db,
      log: { warn },
      onTried: countAnnotations(metrics),
      every_ms: 20,
      first_retry_s: 0.001,
    };
    running.push(startRolloutAnnotator({ environments }, options));
  }
  async function addJob(state: string, fields: Record<string, unknown> = {}): Promise<string> {
    const job_id = randomUUID();
    const job = {
      kind: 'scale_service',
      title: 'Scale gateway · 2 → 3',
      state,
      permission: 'scale.apply',
      environment: 'prod',
      target_type: 'service',
      target_id: 'svc-1',
      principal_id: 'p',
      created_by: 'someone@example.com',
      input: JSON.stringify({ name: 'gateway' }),
      step_count: 4,
      request_id: 'r',
      started_at: new Date(Date.now() - 60_000).toISOString(),
      ...(state === 'running' || state === 'stuck' ? {} : { finished_at: new Date().toISOString() }),
      ...fields,
    };
    const names = Object.keys(job);
    const places = names.map((_, index) => `$${index + 1}`).join(', ');
    const { rows } = await database.pool.query<{ job_id: string }>(
      `insert into jobs (${names.join(', ')}) values (${places}) returning job_id`,
      Object.values(job),
    );
    return rows[0]?.job_id ?? job_id;
  }
  const phases = () => kept.map(({ tags }) => tags.find((tag) => tag.startsWith('phase:'))).toSorted(inOrder);
  const states = async () =>
    (
      await database.pool.query<{ state: string }>('select state from rollout_annotations order by phase')
    ).rows.map(({ state }) => state);
  const eventually = (assertion: () => Promise<void> | void) =>
    vi.waitFor(assertion, { timeout: 10_000, interval: 20 });

  it('are marked once when they begin and when they end, however many replicas look', async () => {
    const job_id = await addJob('succeeded');
    for (let replica = 0; replica < 3; replica += 1) start();
    await eventually(async () => expect(await states()).toEqual(['written', 'written']));
    expect(phases()).toEqual(['phase:finished', 'phase:started']);
    expect(kept.find(({ text }) => text.startsWith('Rollout started'))).toEqual({
      time: expect.closeTo(Date.now() - 60_000, -5),
      text: 'Rollout started: Scale gateway · 2 → 3 (prod)',
      tags: [
        'cloudlysis',
        'rollout',
        'environment:prod',
        'service:gateway',
        'phase:started',
        `job:${job_id}`,
      ],
    });
    expect(grafana.requests[0]?.headers['authorization']).toBe(`Bearer ${TOKEN}`);
  });

  it.each(['failed_rolled_back', 'cancelled_rolled_back', 'stuck'])(
    'that end as %s are marked as failed',
    async (state) => {
      await addJob(state);
      start();
      await eventually(() => expect(phases()).toEqual(['phase:failed', 'phase:started']));
    },
  );

  it('of other targets, of environments without a Grafana, and of long ago are not marked', async () => {
    await addJob('succeeded', { target_type: 'host' });
    await addJob('succeeded', { environment: 'dev' });
    const day = new Date(Date.now() - 86_400_000).toISOString();
    await addJob('succeeded', { started_at: day, finished_at: day });
    await addJob('running');
    start();
    await eventually(() => expect(phases()).toEqual(['phase:started']));
    expect(await states()).toEqual(['written']);
  });

  it('are marked once by a replica that finds the mark of one that died before it could note it', async () => {
    await addJob('running');
    start();
    await eventually(() => expect(phases()).toEqual(['phase:started']));
    await database.pool.query("update rollout_annotations set state = 'waiting'");
    await eventually(async () => expect(await states()).toEqual(['written']));
    expect(kept).toHaveLength(1);
  });

  it('are marked later when Grafana is away for a while', async () => {
    let refusals = 0;
    grafana.answer((request) =>
      refusals++ < 3 ? { status: 503, body: { message: 'starting' } } : works(request),
    );
    await addJob('running');
    const metrics = registry();
    start(metrics);
    await eventually(() => expect(phases()).toEqual(['phase:started']));
    await eventually(async () =>
      expect(await metrics.metrics()).toContain(
        'control_rollout_annotations_total{environment="prod",result="written"} 1',
      ),
    );
    expect(await metrics.metrics()).toContain('result="failed"} 3');
  });

  it('are given up after a bounded number of tries, which metric and log tell without the token', async () => {
    grafana.answer(({ headers }) => ({
      status: 403,
      body: { message: `no: ${String(headers['authorization'])}` },
    }));
    await addJob('running');
    const metrics = registry();
    start(metrics);
    await eventually(async () => expect(await states()).toEqual(['given_up']));
    expect(await metrics.metrics()).toContain(`result="failed"} ${MOST_ATTEMPTS}`);
    expect(warn).toHaveBeenCalledWith(
      expect.objectContaining({ environment: 'prod', phase: 'started' }),
      'a rollout was not marked in Grafana',
    );
    expect(JSON.stringify(warn.mock.calls)).not.toContain(TOKEN);
    expect(grafana.requests).toHaveLength(MOST_ATTEMPTS);
  });
});

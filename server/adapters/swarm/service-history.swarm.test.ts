import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '#server/db/test-database.ts';
import type { IndexQuery } from '#server/scale/leader-connection.ts';
import type { Orchestrator } from '#server/scale/orchestrator.ts';
import {
  HISTORY_DEPTH,
  listRevisions,
  readRevision,
  recordRevisions,
} from '#server/scale/service-history-store.ts';
import { applyServiceChange } from '#server/scale/service-rollout.ts';
import { testSwarm } from '#tools/test-swarm.ts';
import { SEAL_KEY_CONFIG } from './spec-seal.ts';
import { openSwarmOrchestrator } from './swarm-orchestrator.ts';

const SECRET = 'correct-horse-battery-staple';

/** Services without tasks: what they would run is all that matters here. */
describe('the history of a Swarm service', () => {
  const swarm = testSwarm();
  let database: TestDatabase;
  let orchestrator: Orchestrator;
  let query: IndexQuery;
  beforeAll(async () => {
    database = await createTestDatabase();
    query = async (text, values) => (await database.pool.query(text, values)).rows;
    orchestrator = openSwarmOrchestrator(swarm.swarmAddress, swarm.environment);
  });
  afterAll(async () => {
    await orchestrator.close();
    await swarm.dispose();
    await database.drop();
  });

  const { environment } = swarm;
  const deploy = (service_id: string, image: string, job_id: string | null = null) =>
    applyServiceChange(
      orchestrator,
      service_id,
      () => ({ image }),
      (service, isOurs) => recordRevisions(query, environment, [service], isOurs ? job_id : null),
    );
  const images = async (service_id: string) =>
    (await listRevisions(query, environment, service_id)).map(({ image }) => image);
  const restore = async (service_id: string, revision: number) => {
    const row = await readRevision(query, environment, service_id, revision);
    if (row === null) throw new Error(`revision ${revision} is not kept`);
    await applyServiceChange(
      orchestrator,
      service_id,
      () => ({ spec: row.spec }),
      (service) => recordRevisions(query, environment, [service]),
    );
    return orchestrator.service(service_id);
  };

  it('keeps the last ten, and brings each of them back, where Swarm itself keeps one', async () => {
    const service_id = await swarm.createService({ replicas: 0, image: 'registry.test/app:0' });
    for (let version = 1; version <= 12; version += 1)
      await deploy(service_id, `registry.test/app:${version}`, `job-${version}`);
    const revisions = await listRevisions(query, environment, service_id);
    expect(revisions).toHaveLength(HISTORY_DEPTH);
    expect(revisions[0]).toMatchObject({ revision: 13, image: 'registry.test/app:12', job_id: 'job-12' });
    expect(revisions.at(-1)).toMatchObject({ image: 'registry.test/app:3', job_id: 'job-3' });
    const { PreviousSpec } = (await swarm.docker.getService(service_id).inspect()) as {
      PreviousSpec: { TaskTemplate: { ContainerSpec: { Image: string } } };
    };
    expect(PreviousSpec.TaskTemplate.ContainerSpec.Image).toBe('registry.test/app:11');
    for (const { image, spec_digest } of revisions.toReversed()) {
      const row = (await listRevisions(query, environment, service_id)).find(
        (known) => known.spec_digest === spec_digest,
      );
      expect(await restore(service_id, row?.revision ?? 0)).toMatchObject({ image, spec_digest });
    }
    expect(await listRevisions(query, environment, service_id)).toHaveLength(HISTORY_DEPTH);
  });

  it('does not lose the others by going back and forth between two', async () => {
    const service_id = await swarm.createService({ replicas: 0, image: 'registry.test/app:a' });
    for (const tag of ['b', 'c', 'b', 'c', 'b', 'c', 'b', 'c', 'b', 'c', 'b', 'c'])
      await deploy(service_id, `registry.test/app:${tag}`);
    expect(await images(service_id)).toEqual([
      'registry.test/app:c',
      'registry.test/app:b',
      'registry.test/app:a',
    ]);
  });

  it('takes neither a scaling nor a restart for another revision, and records what it sees twice once', async () => {
    const service_id = await swarm.createService({ replicas: 0, image: 'registry.test/app:1' });
    const record = async () => {
      const service = await orchestrator.service(service_id);
      if (service) await recordRevisions(query, environment, [service]);
    };
    await record();
    await applyServiceChange(orchestrator, service_id, () => ({ restart: true }));
    await Promise.all([record(), record()]);
    expect(await images(service_id)).toEqual(['registry.test/app:1']);
  });

  it('brings environment variables back with the image, though it never tells them', async () => {
    const env = [`TOKEN=${SECRET}`];
    const service_id = await swarm.createService({ replicas: 0, image: 'registry.test/app:1', env });
    const before = await orchestrator.service(service_id);
    await deploy(service_id, 'registry.test/app:2');
    const changed = await swarm.docker.getService(service_id).inspect();
    const { ContainerSpec } = changed.Spec.TaskTemplate;
    await swarm.docker.getService(service_id).update({
      _query: { version: changed.Version.Index },
      _body: {
        ...changed.Spec,
        TaskTemplate: {
          ...changed.Spec.TaskTemplate,
          ContainerSpec: { ...ContainerSpec, Env: ['TOKEN=other'] },
        },
      },
    });
    const [, first] = await listRevisions(query, environment, service_id);
    const restored = await restore(service_id, first?.revision ?? 0);
    expect(restored?.spec_digest).toBe(before?.spec_digest);
    const { Spec } = await swarm.docker.getService(service_id).inspect();
    expect(Spec.TaskTemplate.ContainerSpec.Env).toEqual(env);
  });

  it('lets no environment variable out of the adapter, nor the key that would open one', async () => {
    const service_id = await swarm.createService({ replicas: 1, env: [`TOKEN=${SECRET}`] });
    const seen: unknown[] = [];
    for await (const event of orchestrator.watch(AbortSignal.timeout(20_000))) {
      seen.push(event);
      if (event.kind === 'caught_up') break;
    }
    const service = await orchestrator.service(service_id);
    if (service === null) throw new Error('the service is gone');
    await recordRevisions(query, environment, [service]);
    seen.push(service, await orchestrator.tasks(service_id));
    seen.push((await database.pool.query('select * from service_revisions')).rows);
    const [config] = await swarm.docker.listConfigs({ filters: { name: [SEAL_KEY_CONFIG] } } as object);
    const told = JSON.stringify(seen);
    expect(told).toContain(service_id);
    expect(told).not.toContain(SECRET);
    expect(told).not.toContain(Buffer.from(SECRET).toString('base64').replace(/=+$/, ''));
    expect(told).not.toContain(config?.Spec?.Data ?? 'no key');
  });

  it('refuses the specification of another service, and one that was tampered with', async () => {
    const one = await swarm.createService({ replicas: 0 });
    const other = await swarm.createService({ replicas: 0 });
    const spec = (await orchestrator.service(one))?.spec ?? '';
    const version = (await orchestrator.service(other))?.version ?? 0;
    await expect(orchestrator.updateService(other, version, { spec })).rejects.toMatchObject({
      code: 'refused',
    });
    const tampered = `${spec.slice(0, -4)}AAAA`;
    const own = (await orchestrator.service(one))?.version ?? 0;
    await expect(orchestrator.updateService(one, own, { spec: tampered })).rejects.toMatchObject({
      code: 'refused',
    });
  });
});

import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { Kvm } from '@nats-io/kv';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TenantResource, TenantResourceStore } from '#server/scale/tenant-resource-store.ts';
import { natsIsMissing, startTestNats, type TestNats } from '#tools/test-nats.ts';
import { openNatsLink, type NatsLink } from './nats-link.ts';
import { createNatsTenantResources } from './nats-tenant-resources.ts';

describe.skipIf(natsIsMissing())('streams and buckets of tenants', () => {
  let server: TestNats;
  let client: NatsConnection;
  let link: NatsLink;
  let store: TenantResourceStore;

  beforeAll(async () => {
    server = await startTestNats();
    client = await connect({ servers: server.url });
    link = openNatsLink({ servers: [server.url], name: 'test' });
    store = createNatsTenantResources(link);
  });
  afterAll(async () => {
    await link.close();
    await client.close();
    await server.dispose();
  });

  const limits = { replicas: 1, max_bytes: 1_000_000, max_age_s: 0 };
  const streamOf = (tenant_id: string): TenantResource => ({
    kind: 'stream',
    name: `${tenant_id}-events`,
    subjects: [`tenant.${tenant_id}.events.>`],
    ...limits,
  });
  const bucketOf = (tenant_id: string): TenantResource => ({
    kind: 'bucket',
    name: `${tenant_id}-state`,
    history: 3,
    ...limits,
  });
  const owner = (tenant_id: string, job_id = 'job-1') => ({ tenant_id, job_id });
  const info = async (name: string) =>
    (await jetstreamManager(client)).streams.info(name).catch((error: Error) => error.message);
  const publish = (tenant_id: string) => jetstream(client).publish(`tenant.${tenant_id}.events.made`, 'x');
  const countOf = async (name: string) => {
    const found = await info(name);
    return typeof found === 'string' ? found : found.state.messages;
  };

  it('are made once, however often that is asked for', async () => {
    for (const resource of [streamOf('a'), bucketOf('a')]) {
      await store.create(resource, owner('a'));
      await store.create(resource, owner('a'));
      await store.create(resource, owner('a', 'job-2'));
    }
    await publish('a');
    expect(await info('a-events')).toMatchObject({
      config: { subjects: ['tenant.a.events.>'], num_replicas: 1, max_bytes: 1_000_000, discard: 'new' },
      state: { messages: 1 },
    });
    expect(await info('KV_a-state')).toMatchObject({ config: { max_msgs_per_subject: 3 } });
  });

  it('are not taken from whom they belong to', async () => {
    const manager = await jetstreamManager(client);
    await manager.streams.add({ name: 'b-events', subjects: ['somebody.else'] });
    await expect(store.create(streamOf('b'), owner('b'))).rejects.toMatchObject({
      name: 'TenantResourceError',
      code: 'taken',
      message: expect.stringMatching(/stream b-events already that is not b's/),
    });
    const overlapping: TenantResource = {
      ...streamOf('b'),
      name: 'b-other',
      subjects: ['somebody.>'],
    } as TenantResource;
    await expect(store.create(overlapping, owner('b'))).rejects.toMatchObject({ code: 'taken' });
    await store.retire(streamOf('b'), 'b');
    await store.removeCreated(streamOf('b'), owner('b'));
    expect(await store.deleteRetired(streamOf('b'), 'b')).toBe('kept');
    expect(await info('b-events')).toMatchObject({ config: { subjects: ['somebody.else'] } });
  });

  it('are removed again by the job that made them, and by no other', async () => {
    await store.create(streamOf('c'), owner('c'));
    await store.removeCreated(streamOf('c'), owner('c', 'job-2'));
    expect(await countOf('c-events')).toBe(0);
    await store.removeCreated(streamOf('c'), owner('c'));
    await store.removeCreated(streamOf('c'), owner('c'));
    expect(await info('c-events')).toBe('stream not found');
  });

  it('keep what they hold and take nothing new while they are retired, until they are revived', async () => {
    const bucket = await new Kvm(client).open('d-state');
    for (const resource of [streamOf('d'), bucketOf('d')]) await store.create(resource, owner('d'));
    await publish('d');
    await bucket.put('key', 'value');
    for (const resource of [streamOf('d'), bucketOf('d')]) {
      await store.retire(resource, 'd');
      await store.retire(resource, 'd');
    }
    await expect(publish('d')).rejects.toThrow(/not enabled|no responders/);
    await expect(bucket.put('key', 'other')).rejects.toThrow(/not enabled|no responders/);
    expect(await countOf('d-events')).toBe(1);
    expect((await bucket.get('key'))?.string()).toBe('value');
    for (const resource of [streamOf('d'), bucketOf('d')]) {
      await store.revive(resource, 'd');
      await store.revive(resource, 'd');
    }
    await publish('d');
    await bucket.put('key', 'other');
    expect(await countOf('d-events')).toBe(2);
    expect((await bucket.get('key'))?.string()).toBe('other');
    expect(await store.deleteRetired(streamOf('d'), 'd')).toBe('kept');
  });

  it('are deleted only while they are retired', async () => {
    await store.create(bucketOf('e'), owner('e'));
    expect(await store.deleteRetired(bucketOf('e'), 'e')).toBe('kept');
    await store.retire(bucketOf('e'), 'e');
    expect(await store.deleteRetired(bucketOf('e'), 'somebody')).toBe('kept');
    expect(await store.deleteRetired(bucketOf('e'), 'e')).toBe('deleted');
    expect(await store.deleteRetired(bucketOf('e'), 'e')).toBe('absent');
  });
});

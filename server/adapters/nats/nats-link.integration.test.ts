import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { nkeys } from '@nats-io/transport-node';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { testFolder } from '#server/db/test-database.ts';
import { placementRecord } from '#server/scale/placement-store.conformance.ts';
import type { PlacementStore, PlacementStoreDescription } from '#server/scale/placement-store.ts';
import { makeTestCertificates } from '#tools/test-certificates.ts';
import { makeTestOperator } from '#tools/test-nats-operator.ts';
import { natsIsMissing, startTestNats, type TestNats } from '#tools/test-nats.ts';
import { openNatsLink, type NatsSettings } from './nats-link.ts';
import { openNatsPlacementStore } from './nats-placement-store.ts';

describe.skipIf(natsIsMissing())('a connection to NATS', () => {
  let folder: string;
  let certificates: Awaited<ReturnType<typeof makeTestCertificates>>;
  let server: TestNats | undefined;
  const stores: PlacementStore[] = [];

  beforeAll(async () => {
    folder = await mkdtemp(join(testFolder(), 'nats-link-'));
    certificates = await makeTestCertificates(folder);
  });
  afterEach(async () => {
    for (const store of stores.splice(0)) await store.close();
    await server?.dispose();
  });
  afterAll(() => rm(folder, { recursive: true }));

  const storeWith = (settings: Omit<NatsSettings, 'name'>): PlacementStore => {
    const link = openNatsLink({ ...settings, name: 'test' });
    const bucket = { bucket: 'TENANT_PLACEMENT', replicas: 1, history: 5, max_bytes: -1 };
    const store = openNatsPlacementStore(link, { create: true, ...bucket });
    stores.push(store);
    return store;
  };
  async function expectToWork(settings: Omit<NatsSettings, 'name'>): Promise<void> {
    const revision = await storeWith(settings).update(placementRecord(), 0);
    expect(revision).toBe(1);
  }
  const failure = (settings: Omit<NatsSettings, 'name'>): Promise<Error> =>
    storeWith(settings)
      .get('aggregate.acme')
      .then(
        () => new Error('it worked'),
        (error: Error) => error,
      );

  const tlsConfig = (verify: boolean) =>
    `tls { cert_file: "${certificates.server.cert_file}", key_file: "${certificates.server.key_file}", ca_file: "${certificates.ca_file}", verify: ${verify} }`;

  it('is encrypted, and trusts the authority that it was given and no other', async () => {
    server = await startTestNats({ config: tlsConfig(false), tls: true });
    await expectToWork({ servers: [server.url], tls: { ca_file: certificates.ca_file } });
    expect(await failure({ servers: [server.url], tls: {} })).toMatchObject({
      code: 'unavailable',
      message: expect.stringMatching(/certificate|issuer/i),
    });
  });

  it('shows its own certificate where the server wants one', async () => {
    server = await startTestNats({ config: tlsConfig(true), tls: true });
    const { ca_file, client } = certificates;
    await expectToWork({ servers: [server.url], tls: { ca_file, ...client } });
    expect(await failure({ servers: [server.url], tls: { ca_file } })).toMatchObject({ code: 'unavailable' });
  });

  it('signs in with a user and a password, and takes a new password up without a restart', async () => {
    const config = (password: string) =>
      `authorization { users: [{ user: control, password: "${password}" }] }`;
    server = await startTestNats({ config: config('first secret') });
    let password = 'wrong secret';
    const store = storeWith({
      servers: [server.url],
      credentials: { kind: 'password', user: 'control', password: () => password },
    });
    const refused: unknown = await store.get('aggregate.acme').catch((error: unknown) => error);
    expect(refused).toMatchObject({ message: expect.stringMatching(/Authorization/i) });
    expect(inspect(refused)).not.toContain('secret');
    password = 'first secret';
    await expect.poll(() => store.currentRevision().catch(() => -1), { timeout: 10_000 }).toBe(0);
  });

  it('signs in with an nkey', async () => {
    const user = nkeys.createUser();
    const path = join(folder, 'user.nk');
    await writeFile(path, Buffer.from(user.getSeed()));
    server = await startTestNats({ config: `authorization { users: [{ nkey: ${user.getPublicKey()} }] }` });
    await expectToWork({ servers: [server.url], credentials: { kind: 'nkey_file', path } });
    expect(await failure({ servers: [server.url] })).toMatchObject({ code: 'unavailable' });
  });

  it('signs in with a creds file', async () => {
    const { serverConfig, creds } = makeTestOperator();
    const path = join(folder, 'user.creds');
    await writeFile(path, creds);
    server = await startTestNats({ config: serverConfig });
    await expectToWork({ servers: [server.url], credentials: { kind: 'creds_file', path } });
  });

  it('says that a user may not do what it is for', async () => {
    server = await startTestNats({
      config: `authorization { users: [{ user: reader, password: x, permissions: { publish: ["$JS.API.>"], subscribe: [">"] } }] }`,
    });
    const store = storeWith({
      servers: [server.url],
      credentials: { kind: 'password', user: 'reader', password: () => 'x' },
    });
    await expect(store.update(placementRecord(), 0)).rejects.toMatchObject({
      code: 'not_writable',
      message: expect.stringMatching(/credentials.*TENANT_PLACEMENT/),
    });
  });

  it('says of a server without JetStream what is missing', async () => {
    server = await startTestNats({ config: 'jetstream: false' });
    expect(await failure({ servers: [server.url] })).toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('JetStream'),
    });
  });

  it('finds out how the server is set up, and shows no credentials', async () => {
    server = await startTestNats({
      config: 'authorization { users: [{ user: control, password: hidden }] }',
    });
    const found = new Promise<PlacementStoreDescription>((resolve) => {
      const link = openNatsLink({
        servers: [server?.url ?? ''],
        credentials: { kind: 'password', user: 'control', password: () => 'hidden' },
        name: 'test',
      });
      const store = openNatsPlacementStore(link, {
        create: true,
        bucket: 'TENANT_PLACEMENT',
        replicas: 1,
        history: 5,
        max_bytes: -1,
        preflight: {
          production: true,
          monitoring_urls: [`http://${server?.monitoring}`],
          onChange: resolve,
        },
      });
      stores.push(store);
    });
    const description = await found;
    expect(description).toMatchObject({ kind: 'nats', address: server.url });
    expect(description.version).toMatch(/^2\.\d+\.\d+/);
    expect(description.warnings).toEqual([
      expect.stringContaining('one replica'),
      expect.stringMatching(/brings writes to disk every 120 s/),
    ]);
    expect(JSON.stringify(description)).not.toContain('hidden');
    expect(stores[0]?.describe()).toEqual(description);
  });

  it('never shows credentials that somebody wrote into the address', () => {
    const link = openNatsLink({ servers: ['nats://control:hidden@127.0.0.1:1'], name: 'test' });
    expect(link.address).toBe('nats://127.0.0.1:1');
    return link.close();
  });
});

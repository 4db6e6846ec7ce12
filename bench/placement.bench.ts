/** How soon a placement in NATS is known everywhere, beside a bare put → watch; how fast an empty index fills; how soon a fault is over. */
import { fork, type ChildProcess } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Kvm } from '@nats-io/kv';
import { connect } from '@nats-io/transport-node';
import { placementKey } from '#contract/placement-record.ts';
import { openNatsLink } from '#server/adapters/nats/nats-link.ts';
import { openNatsPlacementStore } from '#server/adapters/nats/nats-placement-store.ts';
import { testFolderVariable } from '#server/db/test-database.ts';
import { openLeaderConnection } from '#server/scale/leader-connection.ts';
import { placementRecord } from '#server/scale/placement-store.conformance.ts';
import type { PlacementStore } from '#server/scale/placement-store.ts';
import { startPlacementWatcher } from '#server/scale/placement-watcher.ts';
import { findNatsServer } from '#tools/nats-server.mjs';
import { NATS_FAULTS, startNatsScene } from '#tools/test-nats-scene.ts';
import { natsServerVariable, startTestNats, type TestNats } from '#tools/test-nats.ts';
import { startTestPostgres } from '#tools/test-postgres.ts';
import { openBenchDatabase, printTable, quantile } from './bench-tools.ts';
import type { Reached } from './placement-nodes.ts';

const NODES = 100;
const ROUNDS = 200;
const WARM_UP = 20;
const COLD_KEYS = 300_000;
const COLD_RUNS = 3;

const nats = findNatsServer();
if ('reason' in nats) throw new Error(nats.reason);
process.env[natsServerVariable] = nats.path;

const silent = { info: () => undefined, warn: () => undefined };
const openStore = (server: TestNats, bucket: string): PlacementStore =>
  openNatsPlacementStore(openNatsLink({ servers: [server.url], name: 'bench' }), {
    create: true,
    bucket,
    replicas: 1,
    history: 10,
    max_bytes: -1,
  });

/** Watchers in another process; `reached` resolves with the time at which the last of them had the revision. */
async function startWatchers(server: TestNats, bucket: string, count: number, kind: 'nodes' | 'bare') {
  const child: ChildProcess = fork(
    path.join(import.meta.dirname, 'placement-nodes.ts'),
    [server.url, bucket, String(count), kind],
    { stdio: ['ignore', 'ignore', 'inherit', 'ipc'], execArgv: [] },
  );
  let newest: Reached = { revision: -1, at: '0' };
  let wake = () => undefined as void;
  child.on('message', (message) => {
    newest = message as Reached;
    wake();
  });
  const reached = async (revision: number): Promise<bigint> => {
    while (newest.revision < revision) await new Promise<void>((resolve) => (wake = resolve));
    return BigInt(newest.at);
  };
  await reached(0);
  return { reached, stop: () => child.kill() };
}

/** Progress goes to standard error; the table is what counts. */
const say = (text: string) => process.stderr.write(`${text}\n`);

const ms = (from: bigint, to: bigint) => Number(to - from) / 1e6;

interface Measured {
  put: (round: number) => Promise<number>;
  /** When the revision of the put was known, by the clock of the machine. */
  known: (revision: number) => Promise<bigint>;
}

/** Puts one after another, each measurement in turn, so that a busy moment of the machine touches all of them. */
async function putRounds<K extends string>(measured: Record<K, Measured>) {
  const names = Object.keys(measured) as K[];
  const times = Object.fromEntries(names.map((name) => [name, []])) as unknown as Record<K, number[]>;
  for (let round = 0; round < ROUNDS + WARM_UP; round += 1) {
    for (const name of names) {
      const began = process.hrtime.bigint();
      const at = await measured[name].known(await measured[name].put(round));
      if (round >= WARM_UP) times[name].push(ms(began, at));
    }
  }
  const figures = names.map((name) => [
    name,
    { p50: quantile(times[name], 0.5), p99: quantile(times[name], 0.99) },
  ]);
  return Object.fromEntries(figures) as Record<K, { p50: number; p99: number }>;
}

async function measureLatency(server: TestNats, databaseUrl: string) {
  const client = await connect({ servers: server.url });
  const bare = await new Kvm(client).create('BARE');
  const store = openStore(server, 'TENANT_PLACEMENT');
  await store.putMany([placementRecord({ tenant_id: 'warm' })]);
  const index = await openLeaderConnection(databaseUrl);
  const stopping = new AbortController();
  const settings = { environment: 'bench', store };
  const watcher = startPlacementWatcher({ settings, index, signal: stopping.signal, log: silent });
  const nodes = await startWatchers(server, 'TENANT_PLACEMENT', NODES, 'nodes');
  const one = await startWatchers(server, 'BARE', 1, 'bare');
  const hundred = await startWatchers(server, 'BARE', NODES, 'bare');

  const indexed = async (revision: number): Promise<bigint> => {
    while (watcher.position().revision < revision) await new Promise((resolve) => setImmediate(resolve));
    return process.hrtime.bigint();
  };
  const later = async (...times: Promise<bigint>[]) =>
    (await Promise.all(times)).reduce((last, at) => (at > last ? at : last));
  let revision = 0;
  const key = placementKey('aggregate', 'acme');
  const putBare = (round: number) => bare.put(key, JSON.stringify(placementRecord({ epoch: round })));
  const putPlacement = async (round: number) =>
    (revision = await store.update(placementRecord({ epoch: round }), revision));
  const everywhere = (at: number) => later(indexed(at), nodes.reached(at));

  say('measuring puts …');
  const results = await putRounds({
    one: { put: putBare, known: one.reached },
    hundred: { put: putBare, known: hundred.reached },
    index: { put: putPlacement, known: indexed },
    everywhere: { put: putPlacement, known: everywhere },
  });
  for (const each of [nodes, one, hundred]) each.stop();
  stopping.abort();
  await watcher.ended;
  await index.close();
  await store.close();
  await client.close();
  return results;
}

const EMPTY = 'truncate placement_index, placement_watch, shard_totals';
/** The same rows written by PostgreSQL alone, into the same indexes: what no watcher can beat. */
const FILL = `insert into placement_index (tenant_id, environment, service, shard, state, epoch, revision, updated_at)
  select 'tenant-' || at / 3, 'bench', (array['aggregate','projection','runner'])[at % 3 + 1],
    (array['aggregate','projection','runner'])[at % 3 + 1] || '-' || at % 40, 'active', 1, at + 1, '2026-01-01T00:00:00Z'
  from generate_series(0, ${COLD_KEYS - 1}) as at`;

async function measureColdLoad(server: TestNats, databaseUrl: string) {
  const store = openStore(server, 'COLD');
  const kinds = ['aggregate', 'projection', 'runner'] as const;
  function* records() {
    for (let at = 0; at < COLD_KEYS; at += 1) {
      const service = kinds[at % 3] ?? 'aggregate';
      yield placementRecord({
        tenant_id: `tenant-${Math.floor(at / 3)}`,
        service,
        shard: `${service}-${at % 40}`,
      });
    }
  }
  say(`writing ${COLD_KEYS} keys …`);
  const revision = await store.putMany(records());
  const seconds: number[] = [];
  const bare: number[] = [];
  for (let run = 0; run < COLD_RUNS; run += 1) {
    const index = await openLeaderConnection(databaseUrl);
    await index.query(EMPTY);
    const fillBegan = performance.now();
    await index.query(FILL);
    bare.push((performance.now() - fillBegan) / 1_000);
    await index.query(EMPTY);
    const stopping = new AbortController();
    say('filling an empty index …');
    const began = performance.now();
    const settings = { environment: 'bench', store };
    const watcher = startPlacementWatcher({ settings, index, signal: stopping.signal, log: silent });
    while (watcher.position().state !== 'live' || watcher.position().revision < revision) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    seconds.push((performance.now() - began) / 1_000);
    stopping.abort();
    await watcher.ended;
    const rows = await index.query<{ count: string }>('select count(*) from placement_index');
    if (Number(rows[0]?.count) !== COLD_KEYS) throw new Error(`the index has ${rows[0]?.count} rows`);
    await index.close();
  }
  await store.close();
  return { seconds: quantile(seconds, 0.5), bare: quantile(bare, 0.5) };
}

async function measureFaults(): Promise<[string, number][]> {
  const postgres = await startTestPostgres();
  const scene = await startNatsScene();
  const times: [string, number][] = [];
  try {
    await scene.writer.putMany([placementRecord()]);
    await scene.untilEqual();
    for (const [name, strike] of Object.entries(NATS_FAULTS)) {
      say(`recovering from ${name} …`);
      await strike(scene);
      times.push([name, await scene.untilEqual(60_000)]);
    }
  } finally {
    await scene.dispose();
    await postgres.stop();
  }
  return times;
}

const faults = await measureFaults();
const folder = await mkdtemp(path.join(tmpdir(), 'control-bench-nats-'));
process.env[testFolderVariable] = folder;
const [server, postgres] = await Promise.all([startTestNats(), openBenchDatabase()]);
const { one, hundred, index, everywhere } = await measureLatency(server, postgres.url);
const cold = await measureColdLoad(server, postgres.url);
await Promise.all([server.dispose(), postgres.stop()]);
await rm(folder, { recursive: true, force: true });

const pair = ({ p50, p99 }: { p50: number; p99: number }) => [`${p50.toFixed(2)} ms`, `${p99.toFixed(2)} ms`];
const over = (a: { p50: number; p99: number }, b: { p50: number; p99: number }) => [
  (a.p50 / b.p50).toFixed(1),
  (a.p99 / b.p99).toFixed(1),
];
printTable(
  ['what', 'p50', 'p99', 'goal'],
  [
    ['bare KV put → one watch in another process', ...pair(one), ''],
    [`bare KV put → the last of ${NODES} watches in another process`, ...pair(hundred), ''],
    ['put → in the index', ...pair(index), ''],
    [`put → in the index and applied by ${NODES} nodes`, ...pair(everywhere), ''],
    ['ratio to the one bare watch', ...over(everywhere, one), 'p99 ≤ 5'],
    [`ratio to the last of ${NODES} bare watches`, ...over(everywhere, hundred), ''],
    ['ratio of the index alone to the one bare watch', ...over(index, one), ''],
  ],
);
printTable(
  ['figure', 'measured', 'goal'],
  [
    [
      `${COLD_KEYS.toLocaleString('en')} keys into an empty index, median of ${COLD_RUNS}`,
      `${cold.seconds.toFixed(1)} s`,
      '≤ 10 s',
    ],
    ['the same rows written by PostgreSQL alone, likewise', `${cold.bare.toFixed(1)} s`, ''],
    ['ratio', (cold.seconds / cold.bare).toFixed(1), ''],
  ],
);
printTable(
  ['the index equals the bucket again', 'after'],
  faults.map(([name, time]) => [`after ${name}`, `${(time / 1_000).toFixed(2)} s`]),
);

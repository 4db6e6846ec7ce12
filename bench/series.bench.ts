/** How many series an environment exports with 1,000 and 10,000 tenants, at rest and under attacks, against the budgets of the metrics contract. */
import { openPlacementFileStore } from '#server/adapters/placement-file/placement-file-store.ts';
import { SERVICE_KINDS, type PlacementRecord } from '#contract/placement-record.ts';
import { RANKING_INTERVAL_MS } from '#contract/top-tenants.ts';
import { FaultBoard } from '#fleet/faults.ts';
import { placementFilePath, startFleet } from '#fleet/fleet.ts';
import { NodeMetrics } from '#fleet/metrics/node-metrics.ts';
import { NodeState } from '#fleet/node-state.ts';
import { PlacementMirror } from '#fleet/placement-mirror.ts';
import { nodeInSlot } from '#fleet/topology.ts';
import { SERIES_BUDGET, seriesOfNodes } from '#stack/metric-catalogue/series-budget.ts';
import { freePort, startControl, temporaryFolder } from '../e2e/control-process.ts';
import { openBenchDatabase, printTable, quantile } from './bench-tools.ts';

const ROUNDS = 20;
const HOUR_S = 3_600;
const ATTACK_EVERY_S = 60;

interface Scrape {
  series: string[];
  bytes: number;
  ms: number;
}

const seriesIn = (text: string): string[] =>
  text
    .split('\n')
    .flatMap((line) => (line === '' || line.startsWith('#') ? [] : [line.slice(0, line.lastIndexOf(' '))]));

async function scrape(url: string): Promise<Scrape> {
  const began = performance.now();
  const text = await (await fetch(`${url}/metrics`)).text();
  return { series: seriesIn(text), bytes: text.length, ms: performance.now() - began };
}

function* recordsOf(tenants: number): Generator<PlacementRecord> {
  const shards = { aggregate: 'agg', projection: 'prj', runner: 'run' };
  const nodes = { aggregate: 3, projection: 3, runner: 2 };
  for (let index = 0; index < tenants; index += 1) {
    for (const service of SERVICE_KINDS) {
      const shard = `${shards[service]}-${1 + (index % nodes[service])}`;
      const updated_at = new Date().toISOString();
      yield {
        tenant_id: `tenant-${index}`,
        service,
        shard,
        state: 'active',
        epoch: 1,
        job_id: null,
        updated_at,
      };
    }
  }
}

/** A fleet of ten nodes over HTTP, all tenants in one environment. */
async function measureNodes(tenants: number): Promise<string[][]> {
  const { folder, remove } = await temporaryFolder();
  const store = openPlacementFileStore(placementFilePath(folder, 'prod'));
  await store.putMany([...recordsOf(tenants)]);
  await store.close();
  const fleet = await startFleet({ dataDir: folder, environments: ['prod'] });
  await fleet.loaded;
  fleet.faults.switchOn({ environment: 'prod', fault: 'tenant_attacks', tenant_id: 'tenant-1' });
  const { nodes } = fleet.manifest;
  // The first scrape ranks, the others show the tenants that it found.
  for (const { url } of nodes) await scrape(url);
  const scrapes: (Scrape & { kind: string })[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const { url, kind } of nodes) scrapes.push({ kind, ...(await scrape(url)) });
  }
  await fleet.close();
  await remove();

  const last = scrapes.slice(-nodes.length);
  const inAll = last.reduce((sum, { series }) => sum + series.length, 0);
  const count = tenants.toLocaleString('en');
  const row = (what: string, of: Scrape[], series: number, budget: number): string[] => [
    `${what}, ${count} tenants`,
    series.toLocaleString('en'),
    `${((100 * series) / budget).toFixed(0)} % of ${budget.toLocaleString('en')}`,
    `${Math.round(Math.max(...of.map(({ bytes }) => bytes)) / 1024)} KiB`,
    `${quantile(
      of.map(({ ms }) => ms),
      0.5,
    ).toFixed(1)} / ${quantile(
      of.map(({ ms }) => ms),
      0.95,
    ).toFixed(1)} ms`,
  ];
  const kinds = [...new Set(last.map(({ kind }) => kind))];
  return [
    ...kinds.map((kind) => {
      const of = scrapes.filter((each) => each.kind === kind);
      return row(`one ${kind}`, of, Math.max(...of.map(({ series }) => series.length)), SERIES_BUDGET.node);
    }),
    row(`environment of ${nodes.length} nodes`, scrapes, inAll, seriesOfNodes(nodes.length)),
  ];
}

/** Distinct series of a gateway within an hour in which another tenant attacks every minute, by a clock that is turned. */
async function measureChurn(tenants: number): Promise<string[]> {
  let now = 1_000_000;
  const clock = () => now;
  const faults = new FaultBoard();
  const mirror = new PlacementMirror(1);
  for (const { service, tenant_id, shard } of recordsOf(tenants))
    mirror.load(service, tenant_id, { shard, state: 'active' });
  const spec = nodeInSlot('prod', 'gateway', 1, { version: '2.8.1', region: 'eu-1' });
  const state = new NodeState({ spec, source: { mirror }, faults, clock, speed: 1 });
  const metrics = new NodeMetrics(state, clock);
  const seen = new Set<string>();
  let most = 0;
  const step_s = RANKING_INTERVAL_MS / 1_000;
  for (let at = 0; at < HOUR_S; at += step_s) {
    now += RANKING_INTERVAL_MS;
    if (at % ATTACK_EVERY_S === 0) {
      metrics.countWork();
      faults.clear();
      faults.add({ environment: 'prod', fault: 'tenant_attacks', tenant_id: `tenant-${(at * 7) % tenants}` });
    }
    const series = seriesIn((await metrics.text()).body);
    most = Math.max(most, series.length);
    for (const each of series) seen.add(each);
  }
  return [tenants.toLocaleString('en'), most.toLocaleString('en'), seen.size.toLocaleString('en')];
}

/** The control plane with its three environments on the simulated platform. */
async function measureControl(tenants: number): Promise<string[]> {
  const [{ folder, remove }, postgres, port] = [
    await temporaryFolder(),
    await openBenchDatabase(),
    await freePort(),
  ];
  const control = await startControl({
    args: ['--tenants', String(tenants)],
    dataDir: folder,
    port,
    env: { CONTROL_DATABASE_URL: postgres.url },
  });
  const scrapes: Scrape[] = [];
  for (let round = 0; round < ROUNDS; round += 1) scrapes.push(await scrape(control.url));
  await control.stop();
  await postgres.stop();
  await remove();
  const series = Math.max(...scrapes.map((each) => each.series.length));
  return [
    `control plane, ${tenants.toLocaleString('en')} tenants`,
    series.toLocaleString('en'),
    `${((100 * series) / SERIES_BUDGET.control).toFixed(0)} % of ${SERIES_BUDGET.control.toLocaleString('en')}`,
    `${Math.round(Math.max(...scrapes.map(({ bytes }) => bytes)) / 1024)} KiB`,
    `${quantile(
      scrapes.map(({ ms }) => ms),
      0.5,
    ).toFixed(1)} / ${quantile(
      scrapes.map(({ ms }) => ms),
      0.95,
    ).toFixed(1)} ms`,
  ];
}

const rows: string[][] = [];
const churn: string[][] = [];
for (const tenants of [1_000, 10_000]) {
  rows.push(...(await measureNodes(tenants)), await measureControl(tenants));
  churn.push(await measureChurn(tenants));
}
printTable(['what', 'series', 'of its budget', 'largest answer', 'scrape p50 / p95'], rows);
process.stdout.write('\n');
printTable(
  ['tenants', 'most series of a gateway at a time', 'different ones in an hour with 60 attacks'],
  churn,
);

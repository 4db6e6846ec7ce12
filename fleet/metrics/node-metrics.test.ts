import { beforeEach, describe, expect, it } from 'vitest';
import { SERVICE_KINDS, type NodeKind } from '#contract/placement-record.ts';
import { OTHER_TENANTS, RANKING_INTERVAL_MS } from '#contract/top-tenants.ts';
import { FaultBoard, type FaultRequest } from '../faults.ts';
import { NodeState } from '../node-state.ts';
import { PlacementMirror } from '../placement-mirror.ts';
import { nodeInSlot } from '../topology.ts';
import { NodeMetrics } from './node-metrics.ts';

type Labels = Record<string, string>;
type Sample = { name: string; labels: Labels; value: number };

const MINUTE = 60;
const ATTACKER = 'tenant-1';

describe('the figures of a node', () => {
  let now: number;
  let faults: FaultBoard;
  let mirror: PlacementMirror;

  beforeEach(() => {
    now = 1_000_000;
    faults = new FaultBoard();
    mirror = mirrorOf(300);
  });

  const nodeOf = (kind: NodeKind, version = '1.0.0') => {
    const spec = nodeInSlot('dev', kind, 1, { version, region: 'eu-1' });
    const state = new NodeState({ spec, source: { mirror }, faults, clock: () => now, speed: 1 });
    const metrics = new NodeMetrics(state, () => now);
    return { state, metrics };
  };

  const readAfter = async ({ metrics }: { metrics: NodeMetrics }, seconds: number): Promise<Sample[]> => {
    now += seconds * 1_000;
    return samplesOf((await metrics.text()).body);
  };

  /** What counters gained in ten minutes, before and after the fault is switched on. */
  const gained = async (
    kind: NodeKind,
    fault: FaultRequest,
    counted: (samples: Sample[]) => number,
  ): Promise<{ usual: number; troubled: number }> => {
    const node = nodeOf(kind);
    const start = counted(await readAfter(node, MINUTE));
    const before = counted(await readAfter(node, 10 * MINUTE));
    faults.add(fault);
    const after = counted(await readAfter(node, 10 * MINUTE));
    faults.clear();
    return { usual: before - start, troubled: after - before };
  };

  const attack: FaultRequest = { environment: 'dev', fault: 'tenant_attacks', tenant_id: ATTACKER };
  const share = (part: (labels: Labels) => boolean, name: string) => (samples: Sample[]) =>
    sum(samples, name, part) / sum(samples, name);

  it('name an attacker after one ranking, with its refused requests, and its commands in flight', async () => {
    const [gateway, aggregate] = [nodeOf('gateway'), nodeOf('aggregate')];
    await readAfter(gateway, MINUTE);
    const calm = await readAfter(aggregate, 0);
    expect(sum(calm, 'aggregate_in_flight_commands', { tenant_id: ATTACKER })).toBe(0);
    faults.add(attack);
    await readAfter(gateway, RANKING_INTERVAL_MS / 1_000);
    await readAfter(aggregate, 0);
    const requests = await readAfter(gateway, MINUTE);
    const commands = await readAfter(aggregate, 0);
    const all = sum(requests, 'gateway_tenant_requests_total', { tenant_id: ATTACKER });
    const refused = sum(requests, 'gateway_tenant_requests_total', {
      tenant_id: ATTACKER,
      status_class: '429',
    });
    expect(refused).toBeGreaterThan(0.5 * all);
    expect(all).toBeGreaterThan(MINUTE * 300);
    const inFlight = sum(commands, 'aggregate_in_flight_commands', { tenant_id: ATTACKER });
    const largest = commands
      .filter(
        ({ name, labels }) =>
          name === 'aggregate_in_flight_commands' && labels['tenant_id'] !== OTHER_TENANTS,
      )
      .toSorted((one, two) => two.value - one.value);
    expect(largest[0]?.labels['tenant_id']).toBe(ATTACKER);
    expect(inFlight).toBeGreaterThan(10 * (largest[1]?.value ?? 0));
  });

  it('show what an attack does to the neighbours: failures and waiting', async () => {
    const node = nodeOf('gateway');
    const neighbour = await largestOf(node, readAfter);
    const before = await readAfter(node, MINUTE);
    faults.add(attack);
    const after = await readAfter(node, MINUTE);
    const failed = (samples: Sample[]) =>
      sum(samples, 'gateway_tenant_requests_total', { tenant_id: neighbour, status_class: '5xx' });
    expect(failed(before)).toBe(0);
    expect(failed(after)).toBeGreaterThan(50);
    expect(meanTook(before, after, neighbour)).toBeGreaterThan(0.5);
    expect(sum(after, 'gateway_tenant_requests_total', { tenant_id: neighbour, status_class: '429' })).toBe(
      0,
    );
  });

  it.each([
    ['a release that regresses', { node_id: 'dev-gw-1', fault: 'release_regresses' }],
    ['an attack', attack],
    ['a store that takes no writes', { node_id: 'dev-gw-1', fault: 'storage_unhealthy' }],
  ] as [string, FaultRequest][])(
    'tell of %s by more than one 5xx in twenty answers',
    async (_what, fault) => {
      const failed = (samples: Sample[]) => sum(samples, 'http_requests_total', { status: '500' });
      const { usual, troubled } = await gained('gateway', fault, failed);
      const all = await gained('gateway', fault, (samples) => sum(samples, 'http_requests_total'));
      expect(usual).toBeLessThan(0.001 * all.usual);
      expect(troubled).toBeGreaterThan(0.05 * all.troubled);
    },
  );

  it('are worse for a version that ends in -regressed, and tell it by its version', async () => {
    const [good, bad] = [nodeOf('gateway'), nodeOf('gateway', '2.9.0-regressed')];
    const failedShare = share(({ status }) => status === '500', 'http_requests_total');
    expect(failedShare(await readAfter(good, MINUTE))).toBeLessThan(0.001);
    const samples = await readAfter(bad, 0);
    expect(failedShare(samples)).toBeGreaterThan(0.05);
    expect(sum(samples, 'gateway_build_info', { version: '2.9.0-regressed' })).toBe(1);
  });

  it('tell of guessed passwords by sign-ins that fail, and of second factors that do', async () => {
    const attempts = (result: (value: string) => boolean) => (samples: Sample[]) =>
      sum(samples, 'gateway_logins_total', ({ result: value }) => result(value ?? ''));
    const fault: FaultRequest = { environment: 'dev', fault: 'login_attack' };
    const failed = await gained(
      'gateway',
      fault,
      attempts((value) => value !== 'ok'),
    );
    const all = await gained(
      'gateway',
      fault,
      attempts(() => true),
    );
    const factor = await gained(
      'gateway',
      fault,
      attempts((value) => value === 'mfa_failed'),
    );
    // The limits of the alerts LoginAnomaly and MfaFailureSpike, over ten minutes.
    expect(failed.usual).toBeLessThan(50);
    expect(failed.troubled).toBeGreaterThan(Math.max(50, all.troubled / 2));
    expect(factor.usual).toBeLessThan(20);
    expect(factor.troubled).toBeGreaterThan(20);
  });

  it('count the sessions that an operator ends', async () => {
    const node = nodeOf('gateway');
    node.metrics.countRevoked('operator', 3);
    const samples = await readAfter(node, 0);
    expect(sum(samples, 'gateway_sessions_revoked_total', { cause: 'operator' })).toBe(3);
  });

  it('let the outbox fill and age while effects fail, put messages aside, and work it off afterwards', async () => {
    const node = nodeOf('runner');
    const calm = await readAfter(node, MINUTE);
    expect(sum(calm, 'runner_dead_letters_total')).toBe(0);
    expect(sum(calm, 'runner_outbox_oldest_age_seconds')).toBeLessThan(1);
    const fault = faults.add({ node_id: 'dev-run-1', fault: 'effects_fail' });
    const stuck = await readAfter(node, 10 * MINUTE);
    expect(sum(stuck, 'runner_outbox_oldest_age_seconds')).toBeGreaterThan(300);
    expect(sum(stuck, 'runner_outbox_depth')).toBeGreaterThan(1_000);
    expect(sum(stuck, 'runner_dead_letters_total', { cause: 'attempts_exhausted' })).toBeGreaterThan(10);
    expect(sum(stuck, 'runner_effect_timeouts_total')).toBeGreaterThan(100);
    node.metrics.countWork();
    faults.remove(fault.id);
    const later = await readAfter(node, 10 * MINUTE);
    expect(sum(later, 'runner_outbox_oldest_age_seconds')).toBeLessThan(1);
    expect(sum(later, 'runner_dead_letters_total')).toBe(sum(stuck, 'runner_dead_letters_total'));
  });

  it('show no traffic of a tenant that drains, and none of a node that does', async () => {
    const node = nodeOf('gateway');
    const neighbour = await largestOf(node, readAfter);
    const requests = (samples: Sample[]) =>
      sum(samples, 'gateway_tenant_requests_total', { tenant_id: neighbour });
    const before = await readAfter(node, 0);
    node.state.drainTenant(neighbour, now + 60_000);
    const drained = await readAfter(node, 1);
    expect(requests(drained)).toBe(requests(before));
    const all = (samples: Sample[]) => sum(samples, 'gateway_tenant_requests_total');
    expect(all(await readAfter(node, 1))).toBeGreaterThan(all(before));
    node.state.drainNode();
    const atRest = all(await readAfter(node, 0));
    expect(all(await readAfter(node, MINUTE))).toBe(atRest);
  });

  it('have counters that go down only where a tenant has lost its place in between', async () => {
    const node = nodeOf('gateway');
    const wrong: Sample[] = [];
    let entered = 0;
    let before = await readAfter(node, 1);
    for (let round = 0; round < 30; round += 1) {
      // Attacks by ever other tenants push each other in and out.
      faults.clear();
      const tenant_id = `tenant-${round % 7}`;
      faults.add({ environment: 'dev', fault: 'tenant_attacks', tenant_id, value: 2 + (round % 5) });
      const after = await readAfter(node, 11);
      const earlier = new Map(
        before.map(({ name, labels, value }) => [JSON.stringify([name, labels]), value]),
      );
      for (const sample of after.filter(({ name }) => /_(total|bucket|count|sum)$/.test(name))) {
        const was = earlier.get(JSON.stringify([sample.name, sample.labels]));
        if (was !== undefined && sample.value < was) wrong.push(sample);
        if (was !== undefined || sample.labels['tenant_id'] === undefined) continue;
        // Who is new begins at nothing: rate() misses no reset, and counts nothing twice.
        entered += 1;
        if (sample.value !== 0) wrong.push(sample);
      }
      before = after;
    }
    expect(wrong).toEqual([]);
    expect(entered).toBeGreaterThan(0);
  });

  it('stay within 20 tenants and other with 10,000, and in sum are what all of them do', async () => {
    mirror = mirrorOf(10_000);
    const node = nodeOf('gateway');
    await readAfter(node, 0);
    const samples = await readAfter(node, 100);
    const tenants = new Set(
      samples.flatMap(({ labels }) => (labels['tenant_id'] === undefined ? [] : [labels['tenant_id']])),
    );
    expect(tenants.size).toBe(21);
    expect(tenants).toContain(OTHER_TENANTS);
    const counted = sum(samples, 'gateway_tenant_requests_total');
    const done = node.state.requestRate() * 100;
    // Whole numbers are shown: less than one for each series is not there yet.
    expect(done - counted).toBeLessThan(21 * 5);
    expect(counted).toBeLessThanOrEqual(done);
    expect(samples.length).toBeLessThan(2_000);
  });
});

function mirrorOf(tenants: number): PlacementMirror {
  const mirror = new PlacementMirror(1);
  const shards = { aggregate: 'agg-1', projection: 'prj-1', runner: 'run-1' };
  for (let index = 0; index < tenants; index += 1) {
    for (const service of SERVICE_KINDS) {
      mirror.load(service, `tenant-${index}`, { shard: shards[service], state: 'active' });
    }
  }
  return mirror;
}

function samplesOf(text: string): Sample[] {
  return text.split('\n').flatMap((line) => {
    const [, name, labels = '', value] = /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
    if (name === undefined) return [];
    const pairs = [...labels.matchAll(/(\w+)="([^"]*)"/g)].map(([, key = '', text_ = '']) => [key, text_]);
    return [{ name, labels: Object.fromEntries(pairs) as Labels, value: Number(value) }];
  });
}

function sum(samples: Sample[], name: string, which: Labels | ((labels: Labels) => boolean) = {}): number {
  const matches =
    typeof which === 'function'
      ? which
      : (labels: Labels) => Object.entries(which).every(([key, value]) => labels[key] === value);
  return samples
    .filter((sample) => sample.name === name && matches(sample.labels))
    .reduce((total, { value }) => total + value, 0);
}

/** Mean seconds of a tenant's requests between two looks. */
function meanTook(before: Sample[], after: Sample[], tenant_id: string): number {
  const gain = (suffix: string): number => {
    const name = `gateway_tenant_request_duration_seconds_${suffix}`;
    return sum(after, name, { tenant_id }) - sum(before, name, { tenant_id });
  };
  return gain('sum') / gain('count');
}

/** The tenant with the most requests. */
async function largestOf<Node>(
  node: Node,
  readAfter: (node: Node, seconds: number) => Promise<Sample[]>,
): Promise<string> {
  await readAfter(node, 0);
  const samples = await readAfter(node, MINUTE);
  const [largest] = samples
    .filter(
      ({ name, labels }) => name === 'gateway_tenant_requests_total' && labels['tenant_id'] !== OTHER_TENANTS,
    )
    .toSorted((one, two) => two.value - one.value);
  return largest?.labels['tenant_id'] ?? '';
}

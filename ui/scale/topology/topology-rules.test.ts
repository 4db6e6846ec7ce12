import { describe, expect, it } from 'vitest';
import type { Topology } from '#contract/fleet.ts';
import { layoutOf, troubleOf, type Card } from './topology-layout.ts';
import { findThings, keyOf, pathOf, thingsOf, tiesOf } from './topology-rules.ts';

const host = (host_id: string, region: string | null = 'eu-1'): Topology['hosts'][number] => ({
  host_id,
  hostname: `${host_id}.example`,
  state: 'ready',
  availability: 'active',
  region,
});
const service = (service_id: string, kind: 'gateway' | 'aggregate'): Topology['services'][number] => ({
  service_id,
  name: `prod-${service_id}`,
  kind,
  state: 'healthy',
  replicas_desired: 2,
  replicas_running: 2,
});
const node = (
  node_id: string,
  host_id: string | null,
  service_id: string | null,
  shards: string[] = [],
): Topology['nodes'][number] => ({
  node_id,
  kind: shards.length > 0 ? 'aggregate' : 'gateway',
  state: 'ready',
  host_id,
  service_id,
  shards,
});
const topology = (parts: Partial<Topology>): Topology => ({
  environment: 'prod',
  hosts: [host('h1'), host('h2')],
  services: [service('agg', 'aggregate'), service('gw', 'gateway')],
  nodes: [
    node('gw-1', 'h1', 'gw'),
    node('agg-1', 'h1', 'agg', ['agg-1']),
    node('agg-2', 'h2', 'agg', ['agg-1', 'agg-2']),
  ],
  shards: ['agg-1', 'agg-2'].map((shard) => ({
    service: 'aggregate',
    shard,
    tenant_count: 250,
    tenant_capacity: 1_000,
  })),
  observation: { source: 'test', observed_at: null, interval_s: 5 },
  ...parts,
});
const names = (path: ReadonlySet<string>) => [...path].toSorted();
const manyNodes = (count: number): Topology =>
  topology({
    nodes: Array.from({ length: count }, (_, index) => node(`agg-${index + 1}`, 'h1', 'agg', ['agg-1'])),
  });
const layout = (given: Topology, choice: Partial<Parameters<typeof layoutOf>[2]> = {}) =>
  layoutOf(thingsOf(given), tiesOf(given), { open: new Map(), path: null, onlyPath: false, ...choice });
const ofType = (cards: readonly Card[], kind: Card['kind']) => cards.filter((card) => card.kind === kind);

describe('the path of a thing', () => {
  it('of a node is its host, its service and its shards, but not what else these serve', () => {
    expect(names(pathOf(topology({}), keyOf('node', 'agg-1')))).toEqual([
      'host h1',
      'node agg-1',
      'service agg',
      'shard aggregate/agg-1',
    ]);
  });

  it('of a host is what would go with it', () => {
    expect(names(pathOf(topology({}), keyOf('host', 'h2')))).toEqual([
      'host h2',
      'node agg-2',
      'service agg',
      'shard aggregate/agg-1',
      'shard aggregate/agg-2',
    ]);
  });

  it('of something that hangs together with nothing is itself', () => {
    const lonely = topology({ hosts: [host('h1'), host('h2'), host('h3')] });
    expect(names(pathOf(lonely, keyOf('host', 'h3')))).toEqual(['host h3']);
  });
});

describe('ties', () => {
  it('go from host to service to node to shard, once however many nodes there are', () => {
    const ties = tiesOf(topology({}));
    expect(ties.map(({ from, to }) => `${from} → ${to}`).toSorted()).toEqual([
      'host h1 → service agg',
      'host h1 → service gw',
      'host h2 → service agg',
      'node agg-1 → shard aggregate/agg-1',
      'node agg-2 → shard aggregate/agg-1',
      'node agg-2 → shard aggregate/agg-2',
      'service agg → node agg-1',
      'service agg → node agg-2',
      'service gw → node gw-1',
    ]);
  });

  it('lead from the host to a node that no service runs, and nowhere to what is not known', () => {
    const loose = topology({
      nodes: [node('agg-9', 'h1', null, ['agg-7']), node('agg-8', 'gone', 'gone', ['agg-1'])],
    });
    expect(tiesOf(loose).map(({ from, to }) => `${from} → ${to}`)).toEqual([
      'host h1 → node agg-9',
      'node agg-8 → shard aggregate/agg-1',
    ]);
  });
});

describe('the layout', () => {
  it('shows a small environment without groups', () => {
    const { cards } = layout(topology({}));
    expect(ofType(cards, 'group')).toEqual([]);
    expect(ofType(cards, 'thing')).toHaveLength(9);
  });

  it('collapses the groups of a long column, and opens those that a person opened', () => {
    const given = manyNodes(200);
    const collapsed = layout(given).cards;
    expect(ofType(collapsed, 'group').map(({ key }) => key)).toEqual(['group node prod-agg']);
    expect(ofType(collapsed, 'thing').filter(({ key }) => key.startsWith('node '))).toEqual([]);
    const opened = layout(given, { open: new Map([['group node prod-agg', true]]) }).cards;
    expect(ofType(opened, 'thing').filter(({ key }) => key.startsWith('node '))).toHaveLength(200);
  });

  it('shows what is on the path even of a collapsed group', () => {
    const given = manyNodes(200);
    const { cards, lines } = layout(given, { path: pathOf(given, keyOf('node', 'agg-150')) });
    expect(
      ofType(cards, 'thing')
        .map(({ key }) => key)
        .filter((key) => key.startsWith('node ')),
    ).toEqual(['node agg-150']);
    expect(lines.filter(({ onPath }) => onPath).map(({ key }) => key)).toEqual(
      expect.arrayContaining(['service agg → node agg-150', 'node agg-150 → shard aggregate/agg-1']),
    );
  });

  it('leaves out what is not on the path when that is asked for', () => {
    const given = topology({});
    const { cards } = layout(given, { path: pathOf(given, keyOf('node', 'gw-1')), onlyPath: true });
    expect(ofType(cards, 'thing').map(({ key }) => key)).toEqual(['host h1', 'service gw', 'node gw-1']);
  });

  it('lets no two cards overlap', () => {
    const { cards } = layout(manyNodes(40), { open: new Map([['group node prod-agg', true]]) });
    const places = cards.map(({ x, y }) => `${x} ${y}`);
    expect(new Set(places).size).toBe(places.length);
  });
});

describe('finding', () => {
  it('takes the exact name first, in natural order', () => {
    const found = findThings(thingsOf(manyNodes(30)), 'agg-1', 4);
    expect(found.map(({ key }) => key)).toEqual([
      'node agg-1',
      'shard aggregate/agg-1',
      'node agg-10',
      'node agg-11',
    ]);
  });
});

describe('the trouble of a group', () => {
  it('is named with its count, the worst first', () => {
    const given = manyNodes(5);
    const states = ['ready', 'draining', 'unreachable', 'draining', 'ready'] as const;
    const things = thingsOf({
      ...given,
      nodes: given.nodes.map((one, index) => ({ ...one, state: states[index] ?? 'ready' })),
    }).filter(({ type }) => type === 'node');
    expect(troubleOf(things).map(({ word, count }) => `${count} ${word}`)).toEqual([
      '1 unreachable',
      '2 draining',
    ]);
  });
});

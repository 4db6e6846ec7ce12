/**
 * What the topology is made of, pure. A *thing* is a host, a service, a node or a shard; a *tie* says that two of them hang together,
 * and through which nodes. The *path* of a thing is everything that hangs together with it. Tenants are never things: there may be
 * hundreds of thousands, and those of one shard are listed beside the graph.
 */
import type { Topology } from '#contract/fleet.ts';
import type { StatusDomain } from '#ui/patterns/status-table.ts';

export const COLUMNS = ['host', 'service', 'node', 'shard'] as const;
export type ThingType = (typeof COLUMNS)[number];

export interface Thing {
  /** `type id`, unique in the graph. */
  key: string;
  type: ThingType;
  id: string;
  name: string;
  /** Things of one group stand together and collapse together. */
  group: string;
  /** Its state; a shard has none of its own. */
  status: { of: StatusDomain; value: string } | null;
  /** One more fact, in words. */
  detail: string | null;
  /** How full it is, 0 to 1; null where that means nothing. */
  ratio: number | null;
}

export interface Tie {
  from: string;
  to: string;
  /** Keys of the nodes that tie the two. */
  through: readonly string[];
}

export const keyOf = (type: ThingType, id: string): string => `${type} ${id}`;
export const shardId = (service: string, shard: string): string => `${service}/${shard}`;

/** Natural order: agg-2 before agg-10. */
export const byName = new Intl.Collator('en', { numeric: true }).compare;
const KIND_ORDER = ['gateway', 'aggregate', 'projection', 'runner'];
const kindRank = (kind: string): number => (KIND_ORDER.includes(kind) ? KIND_ORDER.indexOf(kind) : 9);

/** Everything in the graph, column by column, as it is listed from top to bottom. */
export function thingsOf(topology: Topology): Thing[] {
  const serviceName = new Map(topology.services.map(({ service_id, name }) => [service_id, name]));
  const hosts = topology.hosts.map((host): Thing => ({
    key: keyOf('host', host.host_id),
    type: 'host',
    id: host.host_id,
    name: host.hostname,
    group: host.region ?? 'no region',
    status: { of: 'host', value: host.state },
    detail:
      host.availability === 'active' ? host.region : host.availability === 'pause' ? 'cordoned' : 'drain',
    ratio: null,
  }));
  const services = topology.services.map((service): Thing => ({
    key: keyOf('service', service.service_id),
    type: 'service',
    id: service.service_id,
    name: service.name,
    group: service.kind ?? 'other',
    status: { of: 'service', value: service.state },
    detail:
      service.replicas_desired === null
        ? `${service.replicas_running} running`
        : `${service.replicas_running} of ${service.replicas_desired}`,
    ratio: null,
  }));
  const nodes = topology.nodes.map((node): Thing => ({
    key: keyOf('node', node.node_id),
    type: 'node',
    id: node.node_id,
    name: node.node_id,
    group: serviceName.get(node.service_id ?? '') ?? `${node.kind}, no service`,
    status: { of: 'node', value: node.state },
    detail: node.shards.length === 0 ? null : node.shards.join(', '),
    ratio: null,
  }));
  const shards = topology.shards.map(({ service, shard, tenant_count, tenant_capacity }): Thing => ({
    key: keyOf('shard', shardId(service, shard)),
    type: 'shard',
    id: shardId(service, shard),
    name: shard,
    group: service,
    status: null,
    detail: `${tenant_count.toLocaleString('en-US')} of ${tenant_capacity.toLocaleString('en-US')}`,
    ratio: tenant_capacity === 0 ? 1 : tenant_count / tenant_capacity,
  }));
  const kindOf = new Map(topology.nodes.map(({ node_id, kind }) => [keyOf('node', node_id), kind]));
  const rank = ({ type, key, group }: Thing): number =>
    type === 'host' ? 0 : kindRank(type === 'node' ? (kindOf.get(key) ?? '') : group);
  return [...hosts, ...services, ...nodes, ...shards].toSorted(
    (a, b) =>
      COLUMNS.indexOf(a.type) - COLUMNS.indexOf(b.type) ||
      rank(a) - rank(b) ||
      byName(a.group, b.group) ||
      byName(a.name, b.name),
  );
}

/** Host to service, service to node, node to shard; a node outside of a service is tied to its host itself. */
export function tiesOf(topology: Topology): Tie[] {
  const hosts = new Set(topology.hosts.map(({ host_id }) => host_id));
  const services = new Set(topology.services.map(({ service_id }) => service_id));
  const shards = new Set(topology.shards.map(({ service, shard }) => shardId(service, shard)));
  const ties = new Map<string, { from: string; to: string; through: string[] }>();
  const tie = (from: string, to: string, node: string) => {
    const name = `${from} → ${to}`;
    const known = ties.get(name);
    if (known) known.through.push(node);
    else ties.set(name, { from, to, through: [node] });
  };
  for (const { node_id, kind, host_id, service_id, shards: held } of topology.nodes) {
    const node = keyOf('node', node_id);
    const host = host_id !== null && hosts.has(host_id) ? keyOf('host', host_id) : null;
    const service = service_id !== null && services.has(service_id) ? keyOf('service', service_id) : null;
    if (host && service) tie(host, service, node);
    if (service) tie(service, node, node);
    else if (host) tie(host, node, node);
    for (const shard of held)
      if (shards.has(shardId(kind, shard))) tie(node, keyOf('shard', shardId(kind, shard)), node);
  }
  return [...ties.values()];
}

/** The nodes through which a thing hangs together with others. */
function nodesOfThing(topology: Topology, key: string): Topology['nodes'] {
  return topology.nodes.filter(
    ({ node_id, kind, host_id, service_id, shards }) =>
      key === keyOf('node', node_id) ||
      (host_id !== null && key === keyOf('host', host_id)) ||
      (service_id !== null && key === keyOf('service', service_id)) ||
      shards.some((shard) => key === keyOf('shard', shardId(kind, shard))),
  );
}

/** Everything on the path of a thing, itself included: what would feel it, and what it stands on. */
export function pathOf(topology: Topology, key: string): ReadonlySet<string> {
  const path = new Set([key]);
  for (const { node_id, kind, host_id, service_id, shards } of nodesOfThing(topology, key)) {
    path.add(keyOf('node', node_id));
    if (host_id !== null) path.add(keyOf('host', host_id));
    if (service_id !== null) path.add(keyOf('service', service_id));
    for (const shard of shards) path.add(keyOf('shard', shardId(kind, shard)));
  }
  return path;
}

/** Whether a tie lies on a path: through a node of it, from one of its things to another. */
export const tieIsOn = (path: ReadonlySet<string>, { from, to, through }: Tie): boolean =>
  path.has(from) && path.has(to) && through.some((node) => path.has(node));

const RANK = { host: 3, service: 2, node: 0, shard: 1 } as const;

/** Things whose name or id holds the text: exact names first, nodes before what they are part of. */
export function findThings(things: readonly Thing[], text: string, limit: number): Thing[] {
  const wanted = text.trim().toLowerCase();
  if (wanted === '') return [];
  const weight = ({ name, type }: Thing): number =>
    (name.toLowerCase() === wanted ? 0 : name.toLowerCase().startsWith(wanted) ? 10 : 20) + RANK[type];
  return things
    .filter(({ name, id }) => name.toLowerCase().includes(wanted) || id.toLowerCase().includes(wanted))
    .toSorted((a, b) => weight(a) - weight(b) || byName(a.name, b.name))
    .slice(0, limit);
}

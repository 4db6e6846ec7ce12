/** A process with many simulated nodes, each with a connection and a watch of its own; tells its parent when the last one has applied a revision. */
import { Kvm, KvWatchInclude } from '@nats-io/kv';
import { connect } from '@nats-io/transport-node';
import { openNatsLink } from '#server/adapters/nats/nats-link.ts';
import { openNatsPlacementStore } from '#server/adapters/nats/nats-placement-store.ts';
import { FaultBoard } from '#fleet/faults.ts';
import { NodeState } from '#fleet/node-state.ts';
import { PlacementFollower } from '#fleet/placement-follower.ts';

/** `last` of the revisions that every one of `count` watchers has reached, with the time of the machine's clock, in nanoseconds. */
export interface Reached {
  revision: number;
  at: string;
}

const [url = '', bucket = '', countText = '1', kind = 'nodes'] = process.argv.slice(2);
const count = Number(countText);
const heads = Array.from({ length: count }, () => 0);
let told = 0;

function reach(watcher: number, revision: number): void {
  heads[watcher] = revision;
  const lowest = Math.min(...heads);
  if (lowest <= told) return;
  told = lowest;
  const message: Reached = { revision: lowest, at: String(process.hrtime.bigint()) };
  process.send?.(message);
}

function startNode(index: number): Promise<void> {
  const link = openNatsLink({ servers: [url], name: `bench-${index}` });
  const store = openNatsPlacementStore(link, { create: false, bucket });
  const spec = {
    node_id: `bench-agg-${index}`,
    kind: 'aggregate' as const,
    environment: 'bench',
    shards: ['agg-1'],
    region: 'eu-1',
    version: '1.0.0',
    git_sha: 'bench',
  };
  const follower = new PlacementFollower({
    store,
    clock: Date.now,
    onDelivered: (mirror) => {
      // At once: the delay that a simulated node puts in between is not what is measured.
      state.advance(true);
      reach(index, state.oldestNeeded(mirror));
      return state.oldestNeeded(mirror);
    },
    onError: (error) => process.stderr.write(`${String(error)}\n`),
  });
  const state = new NodeState({
    spec,
    source: follower,
    faults: new FaultBoard(),
    clock: Date.now,
    speed: 1,
  });
  return follower.loaded;
}

async function startBareWatch(index: number): Promise<void> {
  const connection = await connect({ servers: url });
  const kv = await new Kvm(connection).open(bucket);
  const watch = await kv.watch({ include: KvWatchInclude.UpdatesOnly });
  void (async () => {
    for await (const { revision } of watch) reach(index, revision);
  })();
}

await Promise.all(
  Array.from({ length: count }, (_value, index) => (kind === 'nodes' ? startNode : startBareWatch)(index)),
);
process.send?.({ revision: 0, at: '0' } satisfies Reached);

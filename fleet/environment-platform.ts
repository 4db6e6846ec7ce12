import { once } from 'node:events';
import type { Server } from 'node:http';
import type { PlacementStore } from '#server/scale/placement-store.ts';
import type { FaultBoard } from './faults.ts';
import type { Gateway } from './gateway-routes.ts';
import { GatewaySessions } from './gateway-sessions.ts';
import { GatewayTokens } from './gateway-tokens.ts';
import { NodeMetrics } from './metrics/node-metrics.ts';
import type { FleetNode, NodeApplication } from './node-server.ts';
import { NodeState } from './node-state.ts';
import { PlacementFollower } from './placement-follower.ts';
import type { NodeSpec } from './topology.ts';

export type EnvironmentPlatformOptions = {
  environment: string;
  store: PlacementStore;
  application: NodeApplication;
  faults: FaultBoard;
  /** How much faster than life drains run and placements are applied. */
  speed: number;
  onError: (error: unknown) => void;
};

/** A node that listens. */
export type RunningNode = FleetNode & { port: number; server: Server };

/** What the nodes of one environment share, the placements and the sessions, and the nodes that run there. */
export class EnvironmentPlatform {
  readonly #options: EnvironmentPlatformOptions;
  readonly #follower: PlacementFollower;
  readonly #gateway: Gateway;
  readonly #nodes = new Set<RunningNode>();

  constructor(options: EnvironmentPlatformOptions) {
    this.#options = options;
    this.#follower = new PlacementFollower({
      store: options.store,
      clock: Date.now,
      onDelivered: (mirror) => {
        const states = [...this.#nodes].map(({ state }) => state);
        for (const state of states) state.advance();
        return Math.min(mirror.head, ...states.map((state) => state.oldestNeeded(mirror)));
      },
      onError: options.onError,
    });
    this.#gateway = {
      sessions: new GatewaySessions(this.#follower, Date.now()),
      tokens: new GatewayTokens(options.environment),
    };
  }

  /** Resolves when the placements are loaded. */
  get loaded(): Promise<void> {
    return this.#follower.loaded;
  }

  find(node_id: string): RunningNode | undefined {
    return [...this.#nodes].findLast(({ state }) => state.spec.node_id === node_id);
  }

  /** Starts a node on the port, or on a free one when that is null or taken. */
  async start(spec: NodeSpec, port: number | null): Promise<RunningNode> {
    const { application, faults, speed } = this.#options;
    const state = new NodeState({ spec, source: this.#follower, faults, clock: Date.now, speed });
    const node: FleetNode = {
      state,
      metrics: new NodeMetrics(state, Date.now),
      placements: this.#follower,
      gateway: spec.kind === 'gateway' ? this.#gateway : null,
    };
    const listening = await listenPreferring((wanted) => application.listen(node, wanted), port);
    const running = { ...node, ...listening };
    this.#nodes.add(running);
    return running;
  }

  /** Counts what the nodes have done until now. */
  countWork(): void {
    for (const { metrics } of this.#nodes) metrics.countWork();
  }

  /** Stops a node; it forgets what a process forgets. */
  async stop(node: RunningNode): Promise<void> {
    this.#nodes.delete(node);
    await stopServer(node.server);
  }

  /** The process of the node ends and comes back on the same port after `wait`. */
  async restart(node: RunningNode, wait: () => Promise<void>): Promise<void> {
    await stopServer(node.server);
    node.state.restart();
    await wait();
    if (!this.#nodes.has(node) || node.server.listening) return;
    node.metrics = new NodeMetrics(node.state, Date.now);
    ({ server: node.server } = await this.#options.application.listen(node, node.port));
  }

  async close(): Promise<void> {
    await Promise.all([...this.#nodes].map((node) => this.stop(node)));
    await this.#follower.close();
    await this.#options.store.close();
  }
}

/** Listens on the preferred port, and on a free one when there is none or it is taken. */
export async function listenPreferring<T>(
  listen: (port: number) => Promise<T>,
  preferred: number | null,
): Promise<T> {
  if (preferred === null) return listen(0);
  try {
    return await listen(preferred);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    return listen(0);
  }
}

async function stopServer(server: Server): Promise<void> {
  if (!server.listening) return;
  server.close();
  server.closeAllConnections();
  await once(server, 'close');
}

import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { openPlacementFileStore } from '#server/adapters/placement-file/placement-file-store.ts';
import type { PlacementStore } from '#server/scale/placement-store.ts';
import { createControlServer, type FaultSwitch } from './control-server.ts';
import { FaultBoard, type Fault, type FaultRequest } from './faults.ts';
import { GatewaySessions } from './gateway-sessions.ts';
import type { FleetManifest } from './manifest.ts';
import { NodeMetrics } from './node-metrics.ts';
import { NodeProblemError } from './node-problem.ts';
import { NodeApplication, type FleetNode } from './node-server.ts';
import { NodeState } from './node-state.ts';
import { PlacementFollower } from './placement-follower.ts';
import { nodesOf } from './topology.ts';

export const DEFAULT_ENVIRONMENTS = ['dev', 'staging', 'prod'];
const DEFAULT_RESTART_MS = 1_000;

export type FleetOptions = {
  /** Folder of the placement files, `placement-<environment>.db`. */
  dataDir: string;
  environments?: string[];
  /** Service bearer token; made up when absent. */
  token?: string;
  /** The control endpoint takes this port, the nodes those after it. A taken port is an error. */
  basePort?: number;
  /** Ports are taken from here where they are free; a restarted fleet is found where it was. */
  previous?: FleetManifest | null;
  /** How much faster than life drains run and placements are applied; `CONTROL_FLEET_SPEED` or 1 when absent. */
  speed?: number;
  /** Failures of a placement store; by default they go to the standard error stream. */
  onError?: (error: unknown) => void;
};

export type Fleet = {
  manifest: FleetManifest;
  /** Resolves when every node has loaded its placements; until then nodes answer that they are not ready. */
  loaded: Promise<void>;
  /** The same switch as the control endpoint's. */
  faults: FaultSwitch;
  close(): Promise<void>;
};

type RunningNode = FleetNode & { port: number; server: Server };

/** The path of an environment's placement file. */
export function placementFilePath(dataDir: string, environment: string): string {
  return join(dataDir, `placement-${environment}.db`);
}

/**
 * Starts the simulated platform in this process; resolves when every node listens.
 * Rejects with PlacementStoreError for an unusable data folder and with the system's error for a taken `basePort`.
 */
export async function startFleet(options: FleetOptions): Promise<Fleet> {
  const token = options.token ?? options.previous?.token ?? randomBytes(32).toString('base64url');
  const speed = options.speed ?? Number(process.env['CONTROL_FLEET_SPEED'] ?? 1);
  if (!(speed > 0)) throw new Error('CONTROL_FLEET_SPEED must be a number above 0');
  const onError = options.onError ?? ((error: unknown) => process.stderr.write(`fleet: ${String(error)}\n`));
  const faults = new FaultBoard();
  const stores: PlacementStore[] = [];
  const followers: PlacementFollower[] = [];
  const nodes: RunningNode[] = [];
  const application = new NodeApplication(token, faults);
  const closing = new AbortController();

  const switchOn = (request: FaultRequest): Fault => {
    const node = nodes.find(({ state }) => state.spec.node_id === request.node_id);
    if (node === undefined)
      throw new NodeProblemError(404, 'not_found', `no node is called ${request.node_id}`);
    const fault = faults.add(request);
    if (fault.fault === 'restart') void restart(node, fault).catch(onError);
    return fault;
  };
  const switches: FaultSwitch = {
    list: () => faults.list(),
    switchOn,
    switchOff: (id) => faults.remove(id),
    clear: () => faults.clear(),
  };
  const control = createControlServer(token, switches);

  async function restart(node: RunningNode, fault: Fault): Promise<void> {
    await stopServer(node.server);
    node.state.restart();
    await pause(fault.value ?? DEFAULT_RESTART_MS, undefined, { signal: closing.signal }).catch(
      () => undefined,
    );
    faults.remove(fault.id);
    if (closing.signal.aborted) return;
    ({ server: node.server } = await application.listen(node, node.port));
  }

  async function listen(node: FleetNode): Promise<void> {
    const { node_id } = node.state.spec;
    const wanted = options.basePort === undefined ? 0 : options.basePort + nodes.length + 1;
    const before = options.basePort === undefined ? previousPort(options.previous, node_id) : null;
    const running = await listenPreferring((port) => application.listen(node, port), before, wanted);
    nodes.push({ ...node, ...running });
  }

  async function close(): Promise<void> {
    closing.abort();
    await Promise.all([control.close(), ...nodes.map(({ server }) => stopServer(server))]);
    await application.close();
    await Promise.all(followers.map((follower) => follower.close()));
    await Promise.all(stores.map((store) => store.close()));
  }

  try {
    await application.prepare();
    for (const environment of options.environments ?? DEFAULT_ENVIRONMENTS) {
      const store = openPlacementFileStore(placementFilePath(options.dataDir, environment));
      stores.push(store);
      const states: NodeState[] = [];
      const follower = new PlacementFollower({
        store,
        clock: Date.now,
        onDelivered: (mirror) => {
          for (const state of states) state.advance();
          return Math.min(mirror.head, ...states.map((state) => state.oldestNeeded(mirror)));
        },
        onError,
      });
      followers.push(follower);
      const sessions = new GatewaySessions(follower, Date.now());
      for (const spec of nodesOf(environment)) {
        const state = new NodeState({ spec, source: follower, faults, clock: Date.now, speed });
        states.push(state);
        const metrics = new NodeMetrics(state, Date.now);
        await listen({
          state,
          metrics,
          placements: follower,
          sessions: spec.kind === 'gateway' ? sessions : null,
        });
      }
    }
    const controlBefore = options.basePort === undefined ? portOf(options.previous?.control_url) : null;
    await listenPreferring(
      (port) => control.listen({ host: '127.0.0.1', port }),
      controlBefore,
      options.basePort ?? 0,
    );
  } catch (error) {
    await close();
    throw error;
  }

  return {
    manifest: {
      control_url: `http://127.0.0.1:${(control.server.address() as AddressInfo).port}`,
      token,
      nodes: nodes.map(({ state: { spec }, port }) => ({
        node_id: spec.node_id,
        kind: spec.kind,
        environment: spec.environment,
        url: `http://127.0.0.1:${port}`,
        shards: spec.shards,
        labels: { region: spec.region },
        version: spec.version,
      })),
    },
    loaded: Promise.all(followers.map((follower) => follower.loaded)).then(() => undefined),
    faults: switches,
    close,
  };
}

/** Listens on the preferred port, and on the other when that is taken. */
async function listenPreferring<T>(
  listen: (port: number) => Promise<T>,
  preferred: number | null,
  otherwise: number,
): Promise<T> {
  if (preferred === null) return listen(otherwise);
  try {
    return await listen(preferred);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    return listen(otherwise);
  }
}

function previousPort(previous: FleetManifest | null | undefined, node_id: string): number | null {
  return portOf(previous?.nodes.find((node) => node.node_id === node_id)?.url);
}

function portOf(url: string | undefined): number | null {
  return url !== undefined && URL.canParse(url) ? Number(new URL(url).port) : null;
}

async function stopServer(server: Server): Promise<void> {
  if (!server.listening) return;
  server.close();
  server.closeAllConnections();
  await once(server, 'close');
}

import { randomBytes } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { openPlacementFileStore } from '#server/adapters/placement-file/placement-file-store.ts';
import type { PlacementStore } from '#server/scale/placement-store.ts';
import { createControlServer, type FaultSwitch } from './control-server.ts';
import { EnvironmentPlatform, listenPreferring, type RunningNode } from './environment-platform.ts';
import { FaultBoard, subjectOf, type Fault, type FaultRequest } from './faults.ts';
import type { FleetManifest } from './manifest.ts';
import { NodeProblemError } from './node-problem.ts';
import { NodeApplication } from './node-server.ts';
import { SimulatedOrchestrator } from './simulated-orchestrator.ts';
import { LAYOUT, nodeInSlot } from './topology.ts';

export const DEFAULT_ENVIRONMENTS = ['dev', 'staging', 'prod'];
const DEFAULT_RESTART_MS = 1_000;

export type FleetOptions = {
  /** Folder of the placement files, `placement-<environment>.db`, and of what the orchestrators remember. */
  dataDir: string;
  environments?: string[];
  /** Where an environment's placements are, when not in the placement file. */
  openStore?: (environment: string) => PlacementStore;
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
  /** Where the nodes answer that run now. */
  readonly manifest: FleetManifest;
  /** Resolves when every node has loaded its placements; until then nodes answer that they are not ready. */
  loaded: Promise<void>;
  /** The same switch as the control endpoint's. */
  faults: FaultSwitch;
  /** The orchestrator of an environment. Throws for an unknown one. */
  orchestrator(environment: string): SimulatedOrchestrator;
  close(): Promise<void>;
};

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
  const platforms: EnvironmentPlatform[] = [];
  const orchestrators = new Map<string, SimulatedOrchestrator>();
  const application = new NodeApplication(token, faults);
  const closing = new AbortController();
  /** By fault: starts the node again that it took down. */
  const comeBack = new Map<string, () => void>();

  const switches: FaultSwitch = {
    list: () => faults.list(),
    switchOn: (request) => {
      const act = actOf(request);
      countWork();
      const fault = faults.add(request);
      void act(fault).catch(onError);
      return fault;
    },
    switchOff: (id) => {
      const fault = faults.list().find((each) => each.id === id);
      if (fault === undefined) return false;
      countWork();
      faults.remove(id);
      mend(fault);
      return true;
    },
    clear: () => {
      const cleared = faults.list();
      countWork();
      faults.clear();
      for (const fault of cleared) mend(fault);
    },
  };
  const control = createControlServer(token, switches, { of: orchestrators, faults });

  /** What was done so far was done under the faults that are on. */
  const countWork = (): void => {
    for (const platform of platforms) platform.countWork();
  };

  /** What switching the fault on does at once; most faults only change what is answered from then on. */
  function actOf({
    fault,
    node_id,
    host_id,
    environment,
    tenant_id,
    value = 0,
  }: FaultRequest): (on: Fault) => Promise<void> {
    if (value < 0 && fault !== 'clock_skew')
      throw new NodeProblemError(400, 'invalid_request', `${fault} takes no value below 0`);
    const subject = { node_id, host_id, environment }[subjectOf(fault)];
    if (subject === undefined)
      throw new NodeProblemError(400, 'invalid_request', `${fault} takes a ${subjectOf(fault)}`);
    if (fault === 'tenant_attacks' && tenant_id === undefined)
      throw new NodeProblemError(400, 'invalid_request', 'tenant_attacks takes a tenant_id');
    const unknown = (what: string): NodeProblemError =>
      new NodeProblemError(404, 'not_found', `no ${what} is called ${subject}`);
    if (environment !== undefined) {
      if (!orchestrators.has(subject)) throw unknown('environment');
      return async () => undefined;
    }
    if (host_id !== undefined) {
      const orchestrator = ofHost(subject);
      if (orchestrator === undefined) throw unknown('host');
      return () => orchestrator.hostDown(subject);
    }
    const found = platforms.map((platform) => ({ platform, node: platform.find(subject) }));
    const { platform, node } = found.find((each) => each.node !== undefined) ?? {};
    if (platform === undefined || node === undefined) throw unknown('node');
    if (fault === 'task_fails') {
      return async () => orchestrators.get(node.state.spec.environment)?.failTask(subject);
    }
    if (fault === 'node_down') {
      return (on) =>
        platform.restart(node, () => {
          const { promise, resolve } = Promise.withResolvers<void>();
          comeBack.set(on.id, resolve);
          return promise;
        });
    }
    if (fault !== 'restart') return async () => undefined;
    return (on) =>
      platform.restart(node, async () => {
        const wait = pause(on.value ?? DEFAULT_RESTART_MS, undefined, { signal: closing.signal });
        await wait.catch(() => undefined);
        faults.remove(on.id);
      });
  }

  const ofHost = (host_id: string): SimulatedOrchestrator | undefined =>
    [...orchestrators.values()].find((orchestrator) => orchestrator.hasHost(host_id));

  function mend({ id, fault, host_id }: Fault): void {
    comeBack.get(id)?.();
    comeBack.delete(id);
    if (fault === 'host_down' && host_id !== null) void ofHost(host_id)?.hostUp(host_id).catch(onError);
  }

  async function open(environment: string, ports: Record<string, number>): Promise<SimulatedOrchestrator> {
    const openStore =
      options.openStore ?? (() => openPlacementFileStore(placementFilePath(options.dataDir, environment)));
    const store = openStore(environment);
    const platform = new EnvironmentPlatform({ environment, store, application, faults, speed, onError });
    platforms.push(platform);
    const file = join(options.dataDir, `orchestrator-${environment}.json`);
    const opening = { environment, file, platform, faults, speed, ports, onError };
    return SimulatedOrchestrator.open(opening);
  }

  async function close(): Promise<void> {
    closing.abort();
    await control.close();
    await Promise.all([...orchestrators.values()].map((orchestrator) => orchestrator.close()));
    await Promise.all(platforms.map((platform) => platform.close()));
    await application.close();
  }

  try {
    await application.prepare();
    const environments = options.environments ?? DEFAULT_ENVIRONMENTS;
    const ports = firstPorts(options, environments);
    const opened = await Promise.all(environments.map((environment) => open(environment, ports)));
    for (const orchestrator of opened) orchestrators.set(orchestrator.environment, orchestrator);
    refuseTakenPorts(options, ports, orchestrators);
    const controlBefore = options.basePort ?? portOf(options.previous?.control_url);
    const listenControl = (port: number) => control.listen({ host: '127.0.0.1', port });
    await (options.basePort === undefined
      ? listenPreferring(listenControl, controlBefore)
      : listenControl(options.basePort));
  } catch (error) {
    await close();
    throw error;
  }

  const control_url = `http://127.0.0.1:${(control.server.address() as AddressInfo).port}`;
  return {
    get manifest() {
      return {
        control_url,
        token,
        nodes: [...orchestrators.values()].flatMap(({ nodes }) =>
          nodes.map(({ node }) => manifestNode(node)),
        ),
      };
    },
    loaded: Promise.all(platforms.map((platform) => platform.loaded)).then(() => undefined),
    faults: switches,
    orchestrator: (environment) => {
      const orchestrator = orchestrators.get(environment);
      if (orchestrator === undefined) throw new Error(`the fleet has no environment ${environment}`);
      return orchestrator;
    },
    close,
  };
}

const manifestNode = ({ state: { spec }, port }: RunningNode): FleetManifest['nodes'][number] => ({
  node_id: spec.node_id,
  kind: spec.kind,
  environment: spec.environment,
  url: `http://127.0.0.1:${port}`,
  shards: spec.shards,
  labels: { region: spec.region },
  version: spec.version,
});

/** Where nodes are to be found that have no port of their own yet: from the base port on, or where they were the last time. */
function firstPorts({ basePort, previous }: FleetOptions, environments: string[]): Record<string, number> {
  const ports: Record<string, number> = {};
  if (basePort === undefined) {
    for (const { node_id, url } of previous?.nodes ?? []) {
      const port = portOf(url);
      if (port !== null) ports[node_id] = port;
    }
    return ports;
  }
  let next = basePort;
  for (const environment of environments) {
    for (const { kind, replicas, version } of LAYOUT) {
      for (let slot = 1; slot <= replicas; slot += 1) {
        ports[nodeInSlot(environment, kind, slot, { version, region: '' }).node_id] = next += 1;
      }
    }
  }
  return ports;
}

/** With a base port a node that had to go elsewhere is an error. */
function refuseTakenPorts(
  { basePort }: FleetOptions,
  ports: Record<string, number>,
  orchestrators: ReadonlyMap<string, SimulatedOrchestrator>,
): void {
  if (basePort === undefined) return;
  for (const { node } of [...orchestrators.values()].flatMap(({ nodes }) => nodes)) {
    const wanted = ports[node.state.spec.node_id];
    if (wanted !== undefined && wanted !== node.port) throw new Error(`port ${wanted} is taken`);
  }
}

function portOf(url: string | undefined): number | null {
  return url !== undefined && URL.canParse(url) ? Number(new URL(url).port) : null;
}

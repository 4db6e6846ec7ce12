import type { NodeReady, NodeRebuild, NodeStatus, NodeTenant, NodeTenantBlocker } from '#contract/node.ts';
import type { ServiceKind } from '#contract/placement-record.ts';
import {
  attackLevel,
  attackOf,
  conditionOf,
  DEFAULT_REGRESSION,
  regressionOf,
  type Attack,
  type NodeDemand,
} from './demand-rules.ts';
import type { FaultBoard } from './faults.ts';
import { countTenant, emptyLoad, processLoad, type NodeLoad } from './node-load.ts';
import { NodeProblemError } from './node-problem.ts';
import type { Cell, MirrorChange, PlacementMirror } from './placement-mirror.ts';
import { TenantDrains } from './tenant-drains.ts';
import type { NodeSpec } from './topology.ts';
import { ViewRebuilds } from './view-rebuilds.ts';
import {
  activeLevel,
  drainLevel,
  fraction,
  NO_WORK,
  stalledLevel,
  tenantWork,
  type TenantWork,
  type WorkLevel,
} from './work-rules.ts';

/**
 * What one simulated node knows and does.
 *
 * Applied revision: the placement revision the node serves; it trails the delivery by a delay of its own.
 * A drain is forgotten when the tenant leaves the node. A tenant that arrives with a record that is not `active` has nothing in flight.
 */

/** Where a node takes its placements from; null until they are loaded. */
export type PlacementSource = { readonly mirror: PlacementMirror | null };

export type NodeStateOptions = {
  spec: NodeSpec;
  source: PlacementSource;
  faults: FaultBoard;
  /** Milliseconds since the epoch. */
  clock: () => number;
  /** How much faster than life drains run and placements are applied. */
  speed: number;
};

const GIB = 1024 ** 3;
const STORE = { base_bytes: 2 * GIB, capacity_bytes: 256 * GIB };
const GATEWAY_STORE = { base_bytes: GIB / 16, capacity_bytes: 8 * GIB };
const NODE_DRAIN_MS = 3_000;
const SHORTEST_DELAY_MS = 50;
const LONGEST_DELAY_MS = 300;
const DEFAULT_ATTACK_TIMES = 6;
const DEFAULT_SLOW_MS = 1_000;
const DEFAULT_GUESSES = 20;

export class NodeState {
  readonly spec: NodeSpec;
  readonly #options: NodeStateOptions;
  /** A gateway routes commands, so it goes by the placements of aggregates. */
  readonly #service: ServiceKind;
  readonly #delayMs: number;
  #mirror: PlacementMirror | null = null;
  #applying = false;
  #applied = 0;
  #load: NodeLoad = emptyLoad();
  readonly #drains = new TenantDrains();
  #nodeDrainStartedAt: number | null = null;
  readonly #rebuilds: ViewRebuilds;

  constructor(options: NodeStateOptions) {
    const { spec, speed } = options;
    this.spec = spec;
    this.#options = options;
    this.#rebuilds = new ViewRebuilds(speed);
    this.#service = spec.kind === 'gateway' ? 'aggregate' : spec.kind;
    this.#delayMs =
      (SHORTEST_DELAY_MS + fraction(spec.node_id) * (LONGEST_DELAY_MS - SHORTEST_DELAY_MS)) / speed;
  }

  /** The oldest revision that this node may still ask `mirror` about. */
  oldestNeeded(mirror: PlacementMirror): number {
    return this.#mirror === mirror ? this.#applied : mirror.head;
  }

  /** Applies the placement changes that are due; all that were delivered, when `immediately`. */
  advance(immediately = false): void {
    const current = this.#options.source.mirror;
    if (current === null || (this.#mirror !== null && this.#fault('never_acknowledges') !== null)) return;
    const now = this.#options.clock();
    if (this.#mirror !== current) {
      this.#adopt(current, now);
      return;
    }
    // What applies a change asks for figures of the node, and those come back here.
    if (this.#applying) return;
    this.#applying = true;
    try {
      for (const change of current.changesAfter(this.#applied)) {
        const dueAt = change.delivered_at + this.#delayMs;
        if (!immediately && dueAt > now) return;
        this.#applyChange(current, change, Math.min(dueAt, now));
        this.#applied = change.revision;
      }
      this.#applied = current.head;
    } finally {
      this.#applying = false;
    }
  }

  status(): NodeStatus {
    this.advance();
    const { node_id, kind, environment, version, git_sha, shards } = this.spec;
    return {
      node_id,
      kind,
      environment,
      version,
      git_sha,
      shards,
      placement_revision: this.#applied,
      definitions_digest: null,
      config_revision: 0,
      draining: this.#nodeDrainStartedAt !== null,
      ...this.#nodeLevel(),
      storage: this.#storage(),
      load: processLoad(
        { ...this.#load, requests_per_second: this.#load.requests_per_second + this.#attackRate() },
        this.spec.node_id,
        this.#nodeDrainStartedAt !== null,
        this.#options.clock(),
      ),
    };
  }

  ready(): NodeReady {
    this.advance();
    const check = (name: string, ok: boolean, good: string, bad: string) => ({
      name,
      ok,
      detail: ok ? good : bad,
    });
    const checks = [
      check('placement', this.#mirror !== null, `revision ${this.#applied}`, 'placements are not loaded yet'),
      check(
        'storage',
        this.#fault('storage_unhealthy') === null,
        'writes succeed',
        'the store reports write errors',
      ),
      check('dependencies', this.#fault('not_ready') === null, 'reachable', 'a dependency is not reachable'),
      check('accepting_work', this.#nodeDrainStartedAt === null, 'takes new work', 'the node is draining'),
    ];
    return { ready: checks.every(({ ok }) => ok), checks };
  }

  /** What the node takes the time for. */
  timeOfDay(): number {
    return this.#options.clock() + (this.#fault('clock_skew')?.value ?? 0);
  }

  /** Throws NodeProblemError 503 until the placements are loaded: "absent" would be a lie. */
  tenant(tenant_id: string): NodeTenant {
    const here = this.#placedHere(tenant_id) && this.#fault('wrong_tenant_state', tenant_id) === null;
    const placement_revision = this.#applied;
    if (!here) return { tenant_id, state: 'absent', ...NO_WORK, blockers: [], placement_revision };
    const now = this.#options.clock();
    const level = this.#tenantLevel(tenant_id, now);
    const stopped = this.#drains.get(tenant_id) !== undefined || this.#nodeDrainStartedAt !== null;
    const idle = level.inflight === 0 && level.consumer_lag === 0;
    const state = !stopped ? 'active' : idle ? 'drained' : 'draining';
    // Durations go by a clock that nobody sets; a deadline is a time of day, which a node may have wrong.
    const overdue =
      state === 'draining' &&
      this.timeOfDay() > (this.#drains.get(tenant_id)?.deadline ?? Number.POSITIVE_INFINITY);
    const blockers: NodeTenantBlocker[] = [];
    if (overdue) blockers.push({ code: 'drain_overdue', detail: 'the drain is past its deadline' });
    if (!this.#storage().ok)
      blockers.push({ code: 'storage_unhealthy', detail: 'the store reports write errors' });
    return { tenant_id, state, ...level, blockers, placement_revision };
  }

  /** Starts a drain, or takes a new deadline for one that runs. Throws NodeProblemError 409 when the tenant is not here. */
  drainTenant(tenant_id: string, deadline: number): NodeTenant {
    this.#requireHere(tenant_id);
    const now = this.#options.clock();
    this.#drains.request(tenant_id, deadline, now, this.#tenantLevel(tenant_id, now));
    return this.tenant(tenant_id);
  }

  /** Ends a requested drain. Throws NodeProblemError 409 when the tenant is not here. */
  resumeTenant(tenant_id: string): NodeTenant {
    this.#requireHere(tenant_id);
    if (this.#fault('refuses_resume', tenant_id) !== null) {
      throw new NodeProblemError(500, 'resume_failed', `tenant ${tenant_id} could not be resumed`);
    }
    this.#drains.release(tenant_id, 'requested');
    return this.tenant(tenant_id);
  }

  drainNode(): void {
    this.#nodeDrainStartedAt ??= this.#options.clock();
  }

  resumeNode(): void {
    if (this.#fault('refuses_resume') !== null) {
      throw new NodeProblemError(500, 'resume_failed', `node ${this.spec.node_id} could not be resumed`);
    }
    this.#nodeDrainStartedAt = null;
  }

  /** Starts a rebuild unless the same one is running. */
  rebuild(view: string, tenant_id: string | null): NodeRebuild {
    return this.#rebuilds.start(view, tenant_id, this.#options.clock());
  }

  /** What a process start does: forgets drains and rebuilds, and reads the placements anew. */
  restart(): void {
    this.#mirror = null;
    this.#applied = 0;
    this.#load = emptyLoad();
    this.#drains.clear();
    this.#nodeDrainStartedAt = null;
    this.#rebuilds.clear();
  }

  /** Sums over the tenants that the node serves. */
  load(): Readonly<NodeLoad> {
    this.advance();
    return this.#load;
  }

  tenantInflight(tenant_id: string): number {
    return this.#tenantLevel(tenant_id, this.#options.clock()).inflight;
  }

  /** Requests a second that a tenant sends; none while it, or the node, takes no new work. */
  tenantRate(tenant_id: string): number {
    const stopped = this.#nodeDrainStartedAt !== null || this.#drains.get(tenant_id) !== undefined;
    return stopped ? 0 : this.#work(tenant_id).requests_per_second;
  }

  /** The same of all tenants that the node serves. */
  requestRate(): number {
    const { requests_per_second } = this.load();
    if (this.#nodeDrainStartedAt !== null) return 0;
    let drained = 0;
    for (const tenant_id of this.#drains.tenants()) drained += this.#work(tenant_id).requests_per_second;
    return Math.max(0, requests_per_second - drained);
  }

  /** What the tenants ask of the node now, and how it copes with it. */
  demand(): NodeDemand {
    const resting = this.requestRate();
    const attacks = this.#attacks();
    const regression = this.#fault('release_regresses');
    const regressed =
      regression === null
        ? regressionOf(this.spec.version)
        : regression.value === null
          ? DEFAULT_REGRESSION
          : Math.min(1, regression.value / 100);
    const slow = this.#fault('slow');
    const slow_ms = slow === null ? 0 : (slow.value ?? DEFAULT_SLOW_MS);
    const troubles = { regressed, slow_ms, storage_ok: this.#storage().ok };
    return { resting, attacks, condition: conditionOf(resting, attacks, troubles) };
  }

  /** Sign-ins a second, guessed by somebody, on top of what users do. */
  guessedLogins(): number {
    const fault = this.#options.faults.find(this.spec.environment, 'login_attack');
    return fault === null || !this.ready().ready ? 0 : (fault.value ?? DEFAULT_GUESSES);
  }

  /** Whether what the node sends to others comes to nothing. */
  effectsFail(): boolean {
    return this.#fault('effects_fail') !== null;
  }

  /** The ids of the `count` largest tenants served, largest first. Walks all tenants: for metrics, now and then. */
  largestTenants(count: number): string[] {
    this.advance();
    const mirror = this.#mirror;
    if (mirror === null) return [];
    const largest: { slot: number; size: number }[] = [];
    for (const { slot, cell } of mirror.placed(this.#service)) {
      const size = mirror.sizeAt(slot);
      if (largest.length === count && size <= (largest.at(-1)?.size ?? 0)) continue;
      if (!this.#serves(mirror.unpack(cell))) continue;
      const at = largest.findIndex((other) => other.size < size);
      largest.splice(at === -1 ? largest.length : at, 0, { slot, size });
      if (largest.length > count) largest.pop();
    }
    return largest.map(({ slot }) => mirror.tenantAt(slot));
  }

  /** The attacks by tenants that the node serves and takes work of. */
  #attacks(): Attack[] {
    const faults = this.#options.faults.all(this.spec.environment, 'tenant_attacks');
    if (faults.length === 0) return [];
    const resting = this.requestRate();
    return faults.flatMap(({ tenant_id, value }) =>
      tenant_id !== null &&
      this.#mirror !== null &&
      this.tenantRate(tenant_id) > 0 &&
      this.#placedHere(tenant_id)
        ? [attackOf(tenant_id, value ?? DEFAULT_ATTACK_TIMES, resting, this.spec.kind === 'gateway')]
        : [],
    );
  }

  #attackRate(): number {
    return this.#attacks().reduce((sum, { admitted, refused }) => sum + admitted + refused, 0);
  }

  /** What an attack leaves in flight and waiting, on top of the tenant's usual work. */
  #attackLevel(tenant_id: string): WorkLevel {
    const attack = this.#attacks().find((each) => each.tenant_id === tenant_id);
    return attack === undefined ? NO_WORK : attackLevel(attack, this.demand().condition);
  }

  #fault(
    kind: Parameters<FaultBoard['find']>[1],
    tenant_id: string | null = null,
  ): ReturnType<FaultBoard['find']> {
    return this.#options.faults.find(this.spec.node_id, kind, tenant_id);
  }

  #serves(cell: Cell | null): cell is Cell {
    return cell !== null && (this.spec.kind === 'gateway' || this.spec.shards.includes(cell.shard));
  }

  #placedHere(tenant_id: string): boolean {
    this.advance();
    if (this.#mirror === null)
      throw new NodeProblemError(503, 'placement_not_loaded', 'placements are not loaded yet');
    return this.#serves(this.#mirror.cellAt(this.#service, tenant_id, this.#applied));
  }

  #requireHere(tenant_id: string): void {
    if (this.#placedHere(tenant_id)) return;
    const detail = `tenant ${tenant_id} is not on node ${this.spec.node_id} at placement revision ${this.#applied}`;
    throw new NodeProblemError(409, 'tenant_not_here', detail);
  }

  #adopt(mirror: PlacementMirror, now: number): void {
    this.#mirror = mirror;
    this.#applied = mirror.head;
    this.#load = emptyLoad();
    const served = new Set<string>();
    for (const { slot, cell: packed } of mirror.placed(this.#service)) {
      const cell = mirror.unpack(packed);
      if (!this.#serves(cell)) continue;
      const tenant_id = mirror.tenantAt(slot);
      countTenant(this.#load, this.#work(tenant_id), 1);
      if (this.#drains.get(tenant_id) !== undefined) served.add(tenant_id);
      if (cell.state === 'active') this.#drains.release(tenant_id, 'by_record');
      else {
        this.#drains.demand(tenant_id, now, this.#restLevel(tenant_id, now));
        served.add(tenant_id);
      }
    }
    for (const tenant_id of this.#drains.tenants())
      if (!served.has(tenant_id)) this.#drains.forget(tenant_id);
  }

  #applyChange(mirror: PlacementMirror, change: MirrorChange, at: number): void {
    if (change.service !== this.#service) return;
    const tenant_id = mirror.tenantAt(change.slot);
    const after = mirror.unpack(change.after);
    const servedBefore = this.#serves(mirror.unpack(change.before));
    if (!this.#serves(after)) {
      if (servedBefore) countTenant(this.#load, this.#work(tenant_id), -1);
      this.#drains.forget(tenant_id);
      return;
    }
    if (!servedBefore) countTenant(this.#load, this.#work(tenant_id), 1);
    if (after.state === 'active') this.#drains.release(tenant_id, 'by_record');
    else this.#drains.demand(tenant_id, at, servedBefore ? this.#restLevel(tenant_id, at) : NO_WORK);
  }

  #work(tenant_id: string): TenantWork {
    return tenantWork(tenant_id, this.#service !== 'aggregate');
  }

  /** The level of a tenant that is not draining. */
  #restLevel(tenant_id: string, now: number): WorkLevel {
    const work = this.#work(tenant_id);
    const attack = this.#attackLevel(tenant_id);
    const waiting = work.consumer_lag === 0 ? 0 : attack.consumer_lag;
    return {
      inflight:
        this.#fault('high_inflight', tenant_id)?.value ??
        activeLevel(work.inflight, tenant_id, now) + attack.inflight,
      consumer_lag:
        this.#fault('high_lag', tenant_id)?.value ?? activeLevel(work.consumer_lag, tenant_id, now) + waiting,
    };
  }

  #tenantLevel(tenant_id: string, now: number): WorkLevel {
    const drain = this.#drains.get(tenant_id);
    const started_at = drain?.started_at ?? this.#nodeDrainStartedAt;
    if (started_at === null) return this.#restLevel(tenant_id, now);
    const initial = drain?.initial ?? this.#restLevel(tenant_id, started_at);
    const elapsed = now - started_at;
    const duration = this.#work(tenant_id).drain_ms / this.#options.speed;
    const left = this.#fault('drain_stalls', tenant_id) === null ? drainLevel : stalledLevel;
    return {
      inflight: left(initial.inflight, elapsed, duration),
      consumer_lag: drainLevel(initial.consumer_lag, elapsed, duration),
    };
  }

  #nodeLevel(): WorkLevel {
    const now = this.#options.clock();
    const level: WorkLevel = {
      inflight: activeLevel(this.#load.inflight, this.spec.node_id, now),
      consumer_lag: activeLevel(this.#load.consumer_lag, this.spec.node_id, now),
    };
    if (this.#nodeDrainStartedAt === null) {
      const attackers = this.#attacks().map(({ tenant_id }) => tenant_id);
      for (const tenant_id of new Set([...this.#drains.tenants(), ...attackers])) {
        const work = this.#work(tenant_id);
        const left = this.#tenantLevel(tenant_id, now);
        level.inflight = Math.max(0, level.inflight - work.inflight + left.inflight);
        level.consumer_lag = Math.max(0, level.consumer_lag - work.consumer_lag + left.consumer_lag);
      }
    } else {
      const elapsed = now - this.#nodeDrainStartedAt;
      const duration = NODE_DRAIN_MS / this.#options.speed;
      const left = this.#fault('drain_stalls') === null ? drainLevel : stalledLevel;
      level.inflight = left(level.inflight, elapsed, duration);
      level.consumer_lag = drainLevel(level.consumer_lag, elapsed, duration);
    }
    level.consumer_lag += this.#rebuilds.lag(now);
    return {
      inflight: this.#fault('high_inflight')?.value ?? level.inflight,
      consumer_lag: this.#fault('high_lag')?.value ?? level.consumer_lag,
    };
  }

  #storage(): NodeStatus['storage'] {
    const { base_bytes, capacity_bytes } = this.spec.kind === 'gateway' ? GATEWAY_STORE : STORE;
    // A gateway stores nothing of its tenants.
    const stored = this.spec.kind === 'gateway' ? 0 : this.#load.stored_bytes;
    const full = this.#fault('storage_full') !== null;
    return {
      ok: this.#fault('storage_unhealthy') === null,
      used_bytes: full ? capacity_bytes : Math.min(capacity_bytes, base_bytes + stored),
      capacity_bytes,
    };
  }
}

/**
 * Feeds the indexes of placements, nodes and what the orchestrators run, in one replica at a time. Every replica tries for the leader's lock each second; the one
 * that holds it watches all environments, the others look on and take over when the lock is free.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { Registry } from 'prom-client';
import { readOrchestratorWatchRows } from './orchestrator-list-store.ts';
import { readWatchRows } from './fleet-store.ts';
import { openLeaderConnection, type LeaderConnection } from './leader-connection.ts';
import { registerEnvironmentMetrics } from './environment-metrics.ts';
import { discoverNodes } from './node-discovery.ts';
import { startNodeObserver, type NodeObserver } from './node-observer.ts';
import { forgetOtherOrchestrators } from './orchestrator-index-store.ts';
import { startOrchestratorWatcher, type OrchestratorWatcher } from './orchestrator-watcher.ts';
import { forgetOtherEnvironments } from './placement-index-store.ts';
import { startPlacementWatcher, type PlacementWatcher, type WatchLog } from './placement-watcher.ts';
import { registerScaleMetrics } from './scale-metrics.ts';
import type { EnvironmentSettings, ScaleDependencies } from './scale-settings.ts';
import { orchestratorState, watcherState, type OrchestratorWatchRow, type WatchRow } from './watch-rules.ts';

export interface ScaleWatch {
  /**
   * Whether this replica takes part in the watch; `detail` says how, and which indexes are not current. A store that is away makes pages
   * old and named so in every replica: taking all of them out of the load balancer would hide just what is needed then.
   */
  ready(): { ok: boolean; detail: string };
  /** What is known of the orchestrators; one that is away makes their pages old, not this replica unusable. */
  orchestrators(): string;
  /** Resolves when every index shows what its store has now and a round of nodes was written, or when the watch is stopped. */
  settled(): Promise<void>;
  /** Whether this replica watches; only one does. */
  leads(): boolean;
  stop(): Promise<void>;
}

interface ScaleWatchOptions {
  databaseUrl: string;
  log: WatchLog;
  registry: Registry;
}

type Role =
  | { kind: 'waiting'; detail: string }
  | {
      kind: 'leader';
      watchers: PlacementWatcher[];
      observers: NodeObserver[];
      orchestrators: OrchestratorWatcher[];
    }
  | { kind: 'follower'; rows: Map<string, WatchRow>; orchestrators: Map<string, OrchestratorWatchRow> };

const TRY_EVERY_MS = 1_000;
const LOOK_EVERY_MS = 25;
/** How long a replica may be between two roles before it counts as unable to take part. */
const HAND_OVER_MS = 10_000;
const DIRECTORY_EVERY_MS = 500;

export function startScaleWatch(
  dependencies: ScaleDependencies,
  { databaseUrl, log, registry }: ScaleWatchOptions,
): ScaleWatch {
  const { db, environments, nodes } = dependencies;
  const names = environments.map(({ environment }) => environment);
  const orchestrated = environments.flatMap(({ environment, orchestrator, directory }) =>
    orchestrator === undefined || directory === undefined ? [] : [{ environment, orchestrator, directory }],
  );
  const stopping = new AbortController();
  let role: Role = { kind: 'waiting', detail: 'has not begun to watch' };
  let tookPartUntil = 0;

  const rest = (ms: number, signal: AbortSignal = stopping.signal) =>
    pause(ms, undefined, { signal }).catch(() => undefined);

  function stepOut(detail: string): void {
    if (role.kind !== 'waiting') tookPartUntil = performance.now() + HAND_OVER_MS;
    role = { kind: 'waiting', detail };
  }

  /** Watches until the connection is lost or the watch is stopped. */
  async function lead(connection: LeaderConnection): Promise<void> {
    const done = new AbortController();
    const signal = AbortSignal.any([stopping.signal, connection.lost, done.signal]);
    await forgetOtherEnvironments(connection, names);
    await forgetOtherOrchestrators(
      connection,
      orchestrated.map(({ environment }) => environment),
    );
    const watchers = environments.map((settings) =>
      startPlacementWatcher({ settings, index: connection, signal, log }),
    );
    const observers = environments.map((settings) =>
      startNodeObserver({ settings, nodes, index: connection, signal, log }),
    );
    const orchestrators = orchestrated.map(({ environment, orchestrator, directory }) =>
      startOrchestratorWatcher({
        environment,
        orchestrator,
        index: connection,
        onChanged: () => void directory.refresh(true).catch(() => undefined),
        signal,
        log,
      }),
    );
    const discoveries = orchestrated.map(({ environment, directory }) =>
      discoverNodes({ environment, directory, nodes, index: connection, signal, log }),
    );
    role = { kind: 'leader', watchers, observers, orchestrators };
    log.info({ environments: names }, 'this replica watches the platform');
    try {
      while (!signal.aborted) {
        await rest(TRY_EVERY_MS, signal);
        if (!signal.aborted) await connection.query('select 1');
      }
    } finally {
      stepOut('has lost the lock of the leader');
      done.abort();
      await connection.close();
      const ended = [...watchers, ...observers, ...orchestrators].map((each) => each.ended);
      await Promise.all([...ended, ...discoveries]);
    }
  }

  async function takeTurns(): Promise<void> {
    const connection = await openLeaderConnection(databaseUrl);
    try {
      while (!stopping.signal.aborted) {
        if (await connection.tryLead()) return await lead(connection);
        const [rows, orchestrators] = await Promise.all([readWatchRows(db), readOrchestratorWatchRows(db)]);
        role = { kind: 'follower', rows, orchestrators };
        await rest(TRY_EVERY_MS);
      }
    } finally {
      await connection.close();
    }
  }

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      try {
        await takeTurns();
      } catch (error) {
        if (stopping.signal.aborted) return;
        const message = error instanceof Error ? error.message : String(error);
        stepOut(`cannot watch: ${message}`);
        log.warn({ error: message }, 'the watch over the platform broke off');
      }
      await rest(TRY_EVERY_MS);
    }
  }

  function problems(): string[] {
    return names.flatMap((environment) => {
      const { state, detail } = stateOf(environment);
      return state === 'live' ? [] : [`${environment} is ${state}${detail === null ? '' : `: ${detail}`}`];
    });
  }

  function stateOf(environment: string) {
    if (role.kind === 'follower') return watcherState(role.rows.get(environment));
    const watcher =
      role.kind === 'leader' ? role.watchers.find((each) => each.environment === environment) : undefined;
    return watcher?.position() ?? watcherState(undefined);
  }

  function orchestratorOf(environment: string) {
    if (role.kind === 'follower') return orchestratorState(role.orchestrators.get(environment));
    const watcher =
      role.kind === 'leader'
        ? role.orchestrators.find((each) => each.environment === environment)
        : undefined;
    return watcher?.position() ?? orchestratorState(undefined);
  }

  async function shows(settings: EnvironmentSettings, revision: number) {
    const { environment, orchestrator, directory } = settings;
    if (role.kind === 'waiting' || stateOf(environment).state !== 'live') return false;
    if (orchestrator !== undefined && orchestratorOf(environment).state !== 'live') return false;
    // The index is live before this process has read it.
    await directory?.refresh(true);
    if (directory !== undefined && directory.strangers.length > 0) return false;
    const expected = settings.nodes;
    if (role.kind === 'leader') {
      const { watchers, observers } = role;
      return (
        observers.some((each) => each.environment === environment && each.hasSeen(expected)) &&
        watchers.some((each) => each.environment === environment && each.position().revision >= revision)
      );
    }
    const [watch, known] = await Promise.all([
      readWatchRows(db),
      db.selectFrom('node_index').select('node_id').where('environment', '=', environment).execute(),
    ]);
    const ids = new Set(known.map(({ node_id }) => node_id));
    return (
      (watch.get(environment)?.revision ?? 0) >= revision && expected.every(({ node_id }) => ids.has(node_id))
    );
  }

  /** Every replica keeps its list of nodes, whoever leads. */
  async function keepDirectories(): Promise<void> {
    while (!stopping.signal.aborted) {
      // A database that does not answer is said elsewhere; the last list stands.
      await Promise.allSettled(orchestrated.map(({ directory }) => directory.refresh()));
      await rest(DIRECTORY_EVERY_MS);
    }
  }

  async function settle(settings: EnvironmentSettings): Promise<void> {
    let revision: number | null = null;
    while (!stopping.signal.aborted) {
      try {
        revision ??= await settings.store.currentRevision();
        if (await shows(settings, revision)) return;
      } catch {
        // The store or the database does not answer yet; the watchers say so.
      }
      await rest(LOOK_EVERY_MS);
    }
  }

  const leads = (): boolean => role.kind === 'leader';
  registerScaleMetrics(registry, dependencies, leads);
  registerEnvironmentMetrics(registry, db, leads);
  const running = Promise.all([run(), keepDirectories()]);
  return {
    leads,
    ready() {
      if (role.kind === 'waiting') return { ok: performance.now() < tookPartUntil, detail: role.detail };
      const who = role.kind === 'leader' ? 'watches every environment' : 'follows another replica';
      return { ok: true, detail: [who, ...problems()].join('; ') };
    },
    orchestrators: () =>
      orchestrated
        .map(({ environment, orchestrator }) => {
          const { state, detail } = orchestratorOf(environment);
          return `${environment}: ${orchestrator.name} ${state}${detail === null ? '' : ` (${detail})`}`;
        })
        .join('; ') || 'none',
    settled: async () => {
      await Promise.all(environments.map(settle));
    },
    stop: async () => {
      stopping.abort();
      await running;
    },
  };
}

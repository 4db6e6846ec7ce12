/** Asks every node of an environment, round after round, and writes down what it makes of the answers. */
import { setTimeout as pause } from 'node:timers/promises';
import type { IndexConnection } from './leader-connection.ts';
import type { NodeAdmin } from './node-admin.ts';
import { judgeNode, type Answer } from './node-rules.ts';
import type { WatchLog } from './placement-watcher.ts';
import { NODE_INTERVAL_S, type EnvironmentSettings, type NodeSettings } from './scale-settings.ts';

export interface NodeObserver {
  environment: string;
  /** Rounds that were written since the start. */
  rounds(): number;
  /** Resolves when the observer has stopped. */
  ended: Promise<void>;
}

interface ObserverOptions {
  settings: Pick<EnvironmentSettings, 'environment' | 'nodes'>;
  nodes: Pick<NodeAdmin, 'status' | 'ready'>;
  index: IndexConnection;
  /** Stops the observer. */
  signal: AbortSignal;
  log: WatchLog;
  interval_s?: number;
}

const AT_ONCE = 32;

export function startNodeObserver(options: ObserverOptions): NodeObserver {
  const { settings, signal, log, interval_s = NODE_INTERVAL_S } = options;
  const { environment } = settings;
  let rounds = 0;
  let failing = false;

  async function run(): Promise<void> {
    while (!signal.aborted) {
      const began = performance.now();
      try {
        await observeRound(options);
        rounds += 1;
        failing = false;
      } catch (error) {
        if (!signal.aborted && !failing) {
          log.warn({ environment, error: String(error) }, 'what nodes answered could not be written');
        }
        failing = true;
      }
      const rest = Math.max(50, interval_s * 1_000 - (performance.now() - began));
      await pause(rest, undefined, { signal }).catch(() => undefined);
    }
  }

  return { environment, rounds: () => rounds, ended: run() };
}

async function observeRound({ settings, nodes, index, signal }: ObserverOptions): Promise<void> {
  const seen: object[] = [];
  const waiting = settings.nodes.values();
  const askInTurn = async () => {
    for (const node of waiting) seen.push(await observeNode(node, nodes, signal));
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, settings.nodes.length) }, askInTurn));
  signal.throwIfAborted();
  await index.query(WRITE_ROUND, [settings.environment, JSON.stringify(seen)]);
}

const answerOf = <T>(call: Promise<T>): Promise<Answer<T>> =>
  call.then(
    (value) => ({ ok: true, value }),
    (error: unknown) => ({ ok: false, error }),
  );

/** Verdict and figures; without a status to believe the figures are left out, and `observed_at` with them. */
async function observeNode(node: NodeSettings, nodes: ObserverOptions['nodes'], signal: AbortSignal) {
  const [status, ready] = await Promise.all([
    answerOf(nodes.status(node, { signal })),
    answerOf(nodes.ready(node, { signal })),
  ]);
  const verdict = judgeNode(node, { status, ready });
  const { node_id, kind, labels } = node;
  const figures =
    status.ok && verdict.state !== 'lying'
      ? { ...status.value, observed_at: new Date().toISOString() }
      : null;
  return {
    node_id,
    kind,
    labels,
    ...verdict,
    shards: figures?.shards,
    version: figures?.version,
    git_sha: figures?.git_sha,
    placement_revision: figures?.placement_revision,
    inflight: figures?.inflight,
    consumer_lag: figures?.consumer_lag,
    storage: figures?.storage,
    checks: ready.ok ? ready.value.checks : undefined,
    observed_at: figures?.observed_at,
  };
}

/** `since` moves only with the state; figures, checks and `observed_at` stay where the node gave none; other nodes are forgotten. */
const WRITE_ROUND = `with seen as materialized (
    select node_id, kind, state, problem, labels, shards, version, git_sha, placement_revision, inflight, consumer_lag, storage, checks, observed_at
    from jsonb_to_recordset($2::jsonb) as seen(node_id text, kind text, state text, problem text, labels jsonb, shards text[], version text, git_sha text,
      placement_revision bigint, inflight double precision, consumer_lag double precision, storage jsonb, checks jsonb, observed_at timestamptz)
  ), forgotten as (delete from node_index where environment = $1 and node_id not in (select node_id from seen))
  insert into node_index as known (environment, node_id, kind, state, problem, labels, shards, version, git_sha, placement_revision, inflight, consumer_lag,
    storage, checks, since, observed_at)
  select $1, node_id, kind, state, problem, coalesce(labels, '{}'), coalesce(shards, '{}'), version, git_sha, placement_revision, inflight, consumer_lag,
    storage, coalesce(checks, '[]'), now(), observed_at from seen
  on conflict (environment, node_id) do update set kind = excluded.kind, state = excluded.state, problem = excluded.problem, labels = excluded.labels,
    since = case when known.state = excluded.state then known.since else excluded.since end,
    checks = coalesce((select seen.checks from seen where seen.node_id = excluded.node_id), known.checks),
    (shards, version, git_sha, placement_revision, inflight, consumer_lag, storage, observed_at) = (
      select case when excluded.observed_at is null then known.shards else excluded.shards end,
        case when excluded.observed_at is null then known.version else excluded.version end,
        case when excluded.observed_at is null then known.git_sha else excluded.git_sha end,
        case when excluded.observed_at is null then known.placement_revision else excluded.placement_revision end,
        case when excluded.observed_at is null then known.inflight else excluded.inflight end,
        case when excluded.observed_at is null then known.consumer_lag else excluded.consumer_lag end,
        case when excluded.observed_at is null then known.storage else excluded.storage end,
        coalesce(excluded.observed_at, known.observed_at))`;

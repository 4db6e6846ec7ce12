/**
 * Asks every node of an environment in turn, evenly over the interval, and writes down what it makes of the answers.
 *
 * Turn: one pass over the nodes that are expected at its start. A node that is still being asked when its next turn comes is left out of
 * that one. The first turn asks all at once, so that a new leader soon has a picture.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { IndexConnection } from './leader-connection.ts';
import { answerOf } from './node-answer.ts';
import type { NodeAdmin } from './node-admin.ts';
import { judgeNode } from './node-rules.ts';
import type { WatchLog } from './placement-watcher.ts';
import { nodeIntervalSeconds, type EnvironmentSettings, type NodeSettings } from './scale-settings.ts';

export interface NodeObserver {
  environment: string;
  /** Whether every node that is expected now was asked and its answer written. */
  hasSeen(nodes: readonly NodeSettings[]): boolean;
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

/** Answers are written together that come within this time; calls begin in groups this far apart. */
const TICK_MS = 100;
const AT_ONCE = 64;

export function startNodeObserver(options: ObserverOptions): NodeObserver {
  const { settings, nodes, index, signal, log } = options;
  const { environment } = settings;
  const asking = new Set<string>();
  const seen = new Set<string>();
  let answers: Awaited<ReturnType<typeof observeNode>>[] = [];
  let expected: readonly NodeSettings[] = [];
  let failing = false;
  const rest = (ms: number) => pause(ms, undefined, { signal }).catch(() => undefined);

  function ask(node: NodeSettings): void {
    const key = keyOf(node);
    if (asking.has(key) || asking.size >= AT_ONCE) return;
    asking.add(key);
    void (async () => {
      const answer = await observeNode(node, nodes, signal);
      asking.delete(key);
      if (!signal.aborted) answers.push(answer);
    })();
  }

  /** Writes the answers that came and forgets nodes that are not expected any more. */
  async function write(): Promise<void> {
    const current = namedOnce(settings.nodes);
    const left = expected.some((node) => !current.includes(node));
    expected = current;
    if (answers.length === 0 && !left) return;
    const written = answers;
    answers = [];
    const here = new Set(current.map(keyOf));
    const rows = written.filter((answer) => here.has(answer.key));
    const values = [environment, JSON.stringify(rows), current.map(({ node_id }) => node_id)];
    try {
      await index.query(WRITE_ANSWERS, values);
      for (const { key } of rows) seen.add(key);
      failing = false;
    } catch (error) {
      if (!signal.aborted && !failing) {
        log.warn({ environment, error: String(error) }, 'what nodes answered could not be written');
      }
      failing = true;
    }
  }

  async function takeTurn(first: boolean): Promise<void> {
    const turn = namedOnce(settings.nodes);
    const began = performance.now();
    const interval_ms = (options.interval_s ?? nodeIntervalSeconds(turn.length)) * 1_000;
    let asked = 0;
    while (!signal.aborted) {
      const elapsed = performance.now() - began;
      const due = first ? turn.length : Math.ceil((turn.length * (elapsed + TICK_MS)) / interval_ms);
      for (; asked < Math.min(due, turn.length) && asking.size < AT_ONCE; asked += 1) {
        const node = turn[asked];
        if (node) ask(node);
      }
      await write();
      if (asked >= turn.length && elapsed + TICK_MS >= (first ? 0 : interval_ms)) return;
      await rest(TICK_MS);
    }
  }

  async function run(): Promise<void> {
    for (let first = true; !signal.aborted; first = false) await takeTurn(first);
  }

  return {
    environment,
    hasSeen: (wanted) => wanted.every((node) => seen.has(keyOf(node))),
    ended: run(),
  };
}

const keyOf = ({ node_id, url }: Pick<NodeSettings, 'node_id' | 'url'>): string => `${node_id} ${url ?? ''}`;

/** While one task replaces another, two may go by the same name: the one that came last is shown. */
const namedOnce = (nodes: readonly NodeSettings[]): NodeSettings[] => [
  ...new Map(nodes.map((node) => [node.node_id, node])).values(),
];

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
    key: keyOf(node),
    node_id,
    kind,
    labels,
    region: labels['region'],
    host_id: node.task?.host_id,
    service_id: node.task?.service_id,
    ...verdict,
    shards: figures?.shards,
    version: figures?.version,
    git_sha: figures?.git_sha,
    placement_revision: figures?.placement_revision,
    inflight: figures?.inflight,
    consumer_lag: figures?.consumer_lag,
    storage: figures?.storage,
    load: figures?.load,
    checks: ready.ok ? ready.value.checks : undefined,
    observed_at: figures?.observed_at,
  };
}

/** `since` moves only with the state; figures, checks and `observed_at` stay where the node gave none. */
const WRITE_ANSWERS = `with seen as materialized (
    select node_id, kind, state, problem, labels, region, host_id, service_id, shards, version, git_sha, placement_revision, inflight, consumer_lag,
      storage, load, checks, observed_at
    from jsonb_to_recordset($2::jsonb) as seen(node_id text, kind text, state text, problem text, labels jsonb, region text, host_id text, service_id text,
      shards text[], version text, git_sha text, placement_revision bigint, inflight double precision, consumer_lag double precision, storage jsonb,
      load jsonb, checks jsonb, observed_at timestamptz)
  ), forgotten as (delete from node_index where environment = $1 and node_id <> all($3::text[]))
  insert into node_index as known (environment, node_id, kind, state, problem, labels, region, host_id, service_id, shards, version, git_sha,
    placement_revision, inflight, consumer_lag, storage, load, checks, since, observed_at)
  select $1, node_id, kind, state, problem, coalesce(labels, '{}'), region, host_id, service_id, coalesce(shards, '{}'), version, git_sha,
    placement_revision, inflight, consumer_lag, storage, load, coalesce(checks, '[]'), now(), observed_at from seen
  on conflict (environment, node_id) do update set kind = excluded.kind, state = excluded.state, problem = excluded.problem, labels = excluded.labels,
    region = excluded.region, host_id = excluded.host_id, service_id = excluded.service_id,
    since = case when known.state = excluded.state then known.since else excluded.since end,
    checks = coalesce((select seen.checks from seen where seen.node_id = excluded.node_id), known.checks),
    (shards, version, git_sha, placement_revision, inflight, consumer_lag, storage, load, observed_at) = (
      select case when excluded.observed_at is null then known.shards else excluded.shards end,
        case when excluded.observed_at is null then known.version else excluded.version end,
        case when excluded.observed_at is null then known.git_sha else excluded.git_sha end,
        case when excluded.observed_at is null then known.placement_revision else excluded.placement_revision end,
        case when excluded.observed_at is null then known.inflight else excluded.inflight end,
        case when excluded.observed_at is null then known.consumer_lag else excluded.consumer_lag end,
        case when excluded.observed_at is null then known.storage else excluded.storage end,
        case when excluded.observed_at is null then known.load else excluded.load end,
        coalesce(excluded.observed_at, known.observed_at))`;

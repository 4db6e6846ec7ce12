/**
 * Keeps the index of what one environment's orchestrator runs equal to the orchestrator.
 *
 * `live`: the index has everything that the orchestrator said. `rebuilding`: a new watch tells everything again; until it has, the index
 * stays as it was. `down`: the orchestrator or the index cannot be used; the watcher tries again, ever more slowly.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { IndexConnection } from './leader-connection.ts';
import { OrchestratorError, type Orchestrator } from './orchestrator.ts';
import {
  replaceAll,
  writeChanges,
  writeLive,
  writePosition,
  type OrchestratorPosition,
} from './orchestrator-index-store.ts';
import { OrchestratorPicture } from './orchestrator-picture.ts';
import type { WatchLog } from './placement-watcher.ts';
import { ORCHESTRATOR_STALE_AFTER_S } from './watch-rules.ts';

export interface OrchestratorWatcher {
  environment: string;
  /** As of now: a watcher that has not heard of its orchestrator for a while is down. */
  position(): OrchestratorPosition;
  /** Resolves when the watcher has stopped. */
  ended: Promise<void>;
}

interface WatcherOptions {
  environment: string;
  orchestrator: Pick<Orchestrator, 'name' | 'watch'>;
  index: IndexConnection;
  /** The index has other rows now. */
  onChanged: () => void;
  /** Stops the watcher. */
  signal: AbortSignal;
  log: WatchLog;
}

/** The port promises a word at least every 5 s. */
const SILENCE_LIMIT_MS = 10_000;
const OBSERVE_EVERY_MS = 900;
const FIRST_RETRY_MS = 500;
const LAST_RETRY_MS = 5_000;

export function startOrchestratorWatcher(options: WatcherOptions): OrchestratorWatcher {
  const { environment, orchestrator, index, onChanged, signal, log } = options;
  const reads = `reads what the ${orchestrator.name} runs`;
  let position: OrchestratorPosition = { state: 'rebuilding', detail: reads };
  let observedAt = performance.now();
  let retryMs = FIRST_RETRY_MS;

  async function move(next: OrchestratorPosition): Promise<void> {
    position = next;
    await writePosition(index, environment, orchestrator.name, next);
  }

  /** Follows one watch until it breaks or `signal` aborts. */
  async function follow(): Promise<void> {
    const picture = new OrchestratorPicture();
    const silence = new AbortController();
    const overdue = setTimeout(() => silence.abort(), SILENCE_LIMIT_MS);
    try {
      for await (const event of orchestrator.watch(AbortSignal.any([signal, silence.signal]))) {
        overdue.refresh();
        // Not before it speaks: trying is not yet reading.
        if (position.state === 'down') await move({ state: 'rebuilding', detail: reads });
        if (event.kind === 'caught_up') await catchUp(picture);
        else picture.take(event);
      }
    } finally {
      clearTimeout(overdue);
    }
    if (signal.aborted) return;
    const said = silence.signal.aborted ? `said nothing for ${SILENCE_LIMIT_MS / 1000} s` : 'ended the watch';
    throw new OrchestratorError('unavailable', `the ${orchestrator.name} ${said}`);
  }

  async function catchUp(picture: OrchestratorPicture): Promise<void> {
    const first = position.state !== 'live';
    if (first || picture.isTouched) {
      const changes = picture.changes();
      await (first ? replaceAll(index, environment, changes) : writeChanges(index, environment, changes));
      onChanged();
    } else if (performance.now() - observedAt >= OBSERVE_EVERY_MS) {
      await writeLive(index.query, environment, false);
    } else return;
    if (first) log.info({ environment }, 'the index of the orchestrator is live');
    position = { state: 'live', detail: null };
    observedAt = performance.now();
    retryMs = FIRST_RETRY_MS;
  }

  async function comeDown(cause: unknown): Promise<void> {
    const message = cause instanceof Error ? cause.message : String(cause);
    const subject =
      cause instanceof OrchestratorError ? orchestrator.name : `watch over the ${orchestrator.name}`;
    const detail = `The ${subject} of ${environment} fails: ${message}.`;
    if (position.state !== 'down')
      log.warn({ environment, error: message }, 'the orchestrator watcher is down');
    // The index itself may be what is out of reach; its readers see by the age of the last observation.
    await move({ state: 'down', detail }).catch(() => undefined);
    await pause(retryMs, undefined, { signal }).catch(() => undefined);
    retryMs = Math.min(retryMs * 2, LAST_RETRY_MS);
  }

  async function run(): Promise<void> {
    let begun = false;
    while (!signal.aborted) {
      try {
        if (!begun) await move(position);
        begun = true;
        await follow();
      } catch (error) {
        if (signal.aborted) return;
        await comeDown(error);
      }
    }
  }

  return {
    environment,
    position: () =>
      position.state === 'live' && performance.now() - observedAt > ORCHESTRATOR_STALE_AFTER_S * 1_000
        ? { state: 'down', detail: `The ${orchestrator.name} of ${environment} is silent.` }
        : position,
    ended: run(),
  };
}

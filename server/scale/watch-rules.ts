/** Pure: what may be said of an index by the age of its last observation. */
import type { EnvironmentSummary } from '#contract/scale.ts';
import { ORCHESTRATOR_INTERVAL_S } from './scale-settings.ts';

/** An index that was not confirmed for so long is down, whatever was last written about it. */
export const STALE_AFTER_S = 5;

/** The same of what an orchestrator runs: the port promises a word at least every 5 s. */
export const ORCHESTRATOR_STALE_AFTER_S = 2 * ORCHESTRATOR_INTERVAL_S;

export interface WatchRow {
  environment: string;
  revision: number;
  state: 'live' | 'rebuilding' | 'down';
  detail: string | null;
  observed_at: string | null;
  /** Seconds since `observed_at` by the clock that wrote it. */
  age_s: number | null;
}

/** The state of a watcher as it may be shown. */
export function watcherState(row: WatchRow | undefined): EnvironmentSummary['watcher'] {
  if (!row) return { state: 'down', detail: 'The placement index has not been filled yet.' };
  if (row.state === 'down' || (row.age_s !== null && row.age_s <= STALE_AFTER_S)) {
    return { state: row.state, detail: row.detail };
  }
  return {
    state: 'down',
    detail:
      row.age_s === null
        ? 'The placement store has not been read yet.'
        : `No replica has heard of the placement store of ${row.environment} for ${Math.floor(row.age_s)} s.`,
  };
}

export interface OrchestratorWatchRow {
  environment: string;
  source: string;
  state: 'live' | 'rebuilding' | 'down';
  detail: string | null;
  observed_at: string | null;
  /** Seconds since `observed_at` by the clock that wrote it. */
  age_s: number | null;
}

/** The state of an orchestrator's watcher as it may be shown. */
export function orchestratorState(row: OrchestratorWatchRow | undefined): EnvironmentSummary['watcher'] {
  if (!row) return { state: 'down', detail: 'The index of the orchestrator has not been filled yet.' };
  const { state, detail, source, age_s } = row;
  if (state !== 'live' || (age_s !== null && age_s <= ORCHESTRATOR_STALE_AFTER_S)) return { state, detail };
  return {
    state: 'down',
    detail: `No replica has heard of the ${source} of ${row.environment} for ${Math.floor(age_s ?? 0)} s.`,
  };
}

/** When all of these indexes were last known to equal their stores: the oldest, or null when one is not whole. */
export function observedTogether(rows: readonly (WatchRow | undefined)[]): string | null {
  const times = rows.map((row) =>
    row === undefined || row.revision === 0 || row.state === 'rebuilding' ? null : row.observed_at,
  );
  return oldestTime(times);
}

/** The oldest of these times; null when there is none, or one is not known. */
export function oldestTime(times: readonly (string | null)[]): string | null {
  let oldest: string | null = null;
  for (const time of times) {
    if (time === null) return null;
    if (oldest === null || Date.parse(time) < Date.parse(oldest)) oldest = time;
  }
  return oldest;
}

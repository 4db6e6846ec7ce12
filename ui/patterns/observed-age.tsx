import { IconAlertTriangle } from '@tabler/icons-react';
import type { Observation } from '#contract/common.ts';
import { Hint } from './hint.tsx';
import { useNow } from './clock.ts';
import { formatAgo, formatDuration } from './format.ts';
import { exactTime } from './relative-time.tsx';
import classes from './text.module.css';

/** Pages that show observations read them anew this often; what ages in between is not the observer's fault. */
export const OBSERVED_REFETCH_MS = 5_000;

/** Whether an observation is older than twice its interval, so that what it says may no longer hold. */
export const isStale = ({ observed_at, interval_s }: Observation, now: number): boolean =>
  observed_at === null || now - Date.parse(observed_at) > 2_000 * interval_s + OBSERVED_REFETCH_MS + 1_000;

/** "12 s ago · node": how old a figure is and where it came from; amber when it is older than twice its interval. */
export function ObservedAge({ observation, bare = false }: { observation: Observation; bare?: boolean }) {
  const now = useNow();
  const { observed_at, source, interval_s } = observation;
  const stale = isStale(observation, now);
  const age = observed_at === null ? 'never' : formatAgo(Date.parse(observed_at), now);
  const label =
    observed_at === null
      ? `Never observed. Source: ${source}, asked every ${formatDuration(interval_s)}`
      : `${stale ? 'Stale: ' : ''}observed ${exactTime(observed_at)}. Source: ${source}, asked every ${formatDuration(interval_s)}`;
  return (
    <Hint label={label}>
      <span className={stale ? classes.stale : classes.quiet}>
        {stale && <IconAlertTriangle size={13} aria-label="Stale" />}
        {bare ? age : `${age} · ${source}`}
      </span>
    </Hint>
  );
}

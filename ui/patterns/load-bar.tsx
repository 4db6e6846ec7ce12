import { formatRatio } from './format.ts';
import classes from './load-bar.module.css';
import type { Tone } from './status-table.ts';

const FULL_AT = 0.9;
const HIGH_AT = 0.75;

/** Neutral while there is room, amber from three quarters, red from nine tenths. */
const loadTone = (ratio: number): Tone =>
  ratio >= FULL_AT ? 'failing' : ratio >= HIGH_AT ? 'attention' : 'neutral';

/** How full something is, 0 to 1, as a bar. The text beside it says it in figures. */
export function LoadBar({ ratio, label, tone }: { ratio: number; label: string; tone?: Tone }) {
  const shown = Math.min(1, Math.max(0, ratio));
  return (
    <span
      className={classes.bar}
      data-tone={tone ?? loadTone(ratio)}
      role="meter"
      aria-label={label}
      aria-valuenow={Math.round(shown * 100)}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuetext={formatRatio(ratio)}
    >
      <span style={{ width: `${shown * 100}%` }} />
    </span>
  );
}

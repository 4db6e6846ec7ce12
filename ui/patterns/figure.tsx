import { Hint } from './hint.tsx';
import { formatBytes, formatCount, formatDuration, formatRatio } from './format.ts';
import classes from './text.module.css';

/** "—", with the reason on hover: what is not known is never shown as 0. */
export function Unknown({ why }: { why: string }) {
  return (
    <Hint label={why}>
      <span className={classes.unknown} aria-label={`Unknown: ${why}`} role="img">
        —
      </span>
    </Hint>
  );
}

export type FigureUnit = 'bytes' | 'seconds' | 'ratio' | (string & {});

/** A figure with its unit, in tabular numerals; "—" with `missing` as the reason when it is null. */
export function Figure({
  value,
  unit,
  missing = 'Not observed',
}: {
  value: number | null | undefined;
  unit?: FigureUnit;
  missing?: string;
}) {
  if (value === null || value === undefined) return <Unknown why={missing} />;
  return <span className={classes.figure}>{formatFigure(value, unit)}</span>;
}

/** The text of a figure: bytes, seconds and ratios in their own form, any other unit behind the count. */
export function formatFigure(value: number, unit?: FigureUnit | null): string {
  if (unit === 'bytes') return formatBytes(value);
  if (unit === 'seconds' || unit === 's') return formatDuration(value);
  if (unit === 'ratio') return formatRatio(value);
  return unit ? `${formatCount(value)} ${unit}` : formatCount(value);
}

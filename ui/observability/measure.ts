/** Figures of named queries as people read them: `1.2 k/s`, `34 ms`, `0.4 %`. Pure. */
import type { QueryUnit } from '#contract/observability.ts';
import { formatBytes, formatCount, formatDuration } from '#ui/patterns/format.ts';

const three = new Intl.NumberFormat('en-US', { maximumSignificantDigits: 3 });

/** Three digits that matter, thousands and millions in short: 0.351, 12.3, 1.24 k. */
const short = (value: number): string => {
  const size = Math.abs(value);
  if (size >= 1_000_000) return `${three.format(value / 1_000_000)} M`;
  if (size >= 1_000) return `${three.format(value / 1_000)} k`;
  return three.format(value);
};

const hundredths = new Intl.NumberFormat('en-US', { maximumFractionDigits: 2 });

/** Three digits, but no smaller than a hundredth: who looks for what is wrong reads no further, and the column stays narrow. */
const percent = (value: number): string => {
  if (value > 0 && value < 0.01) return '<0.01';
  return value < 1 ? hundredths.format(value) : three.format(value);
};

const WRITTEN = {
  requests_per_s: (value) => `${short(value)}/s`,
  ratio: (value) => `${percent(value * 100)} %`,
  seconds: (value) =>
    value === 0
      ? '0 s'
      : Math.abs(value) < 0.001
        ? `${three.format(value * 1e6)} µs`
        : Math.abs(value) < 1
          ? `${three.format(value * 1e3)} ms`
          : formatDuration(value),
  messages: formatCount,
  bytes: formatBytes,
  cores: (value) => `${short(value)} cores`,
  count: short,
  lines: formatCount,
} satisfies Record<QueryUnit, (value: number) => string>;

export const formatMeasure = (value: number, unit: QueryUnit): string => WRITTEN[unit](value);

/** What the figures of a unit count, where they do not say it themselves. */
export const UNIT_WORDS: Partial<Record<QueryUnit, string>> = { messages: 'messages', lines: 'lines' };

/** The least top of an axis, so that a flat line at nothing is not drawn as if its axis were full. */
const LEAST_TOP = {
  requests_per_s: 1,
  ratio: 0.01,
  seconds: 0.01,
  messages: 10,
  bytes: 1024,
  cores: 0.1,
  count: 1,
  lines: 10,
} satisfies Record<QueryUnit, number>;

const ROUND = [1, 2, 4, 5, 10];

/** The top of an axis that begins at 0: the next round figure that holds the greatest value, and halves to a round one, too. */
export function axisTop(greatest: number, unit: QueryUnit): number {
  const wanted = Math.max(greatest, LEAST_TOP[unit]);
  const base = unit === 'bytes' ? 1024 ** Math.floor(Math.log(wanted) / Math.log(1024)) : 1;
  const power = base * 10 ** Math.floor(Math.log10(wanted / base) + 1e-9);
  const factor = ROUND.find((one) => one * power >= wanted * (1 - 1e-9)) ?? 10;
  return factor * power;
}

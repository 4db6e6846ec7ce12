/** What charts make of the answers to named queries: lines, rows, gaps, figures and ticks. Pure: data in, data out. */
import type { NamedQuery, QueryParameter, QueryResult } from '#contract/observability.ts';

type Series = QueryResult['series'];
type Point = Series[number]['points'][number];

/** What the figures are of: an environment, narrowed or not. */
export type About = { environment: string } & Partial<Record<QueryParameter, string>>;

/** A row of a chart: the time in milliseconds, and the value of each line under its key; null is a gap. */
export interface Row {
  time: number;
  [line: string]: number | null;
}

export interface ChartLine {
  /** Key of its values in the rows. */
  key: string;
  name: string;
}

export interface ChartData {
  lines: ChartLine[];
  rows: Row[];
  greatest: number;
}

/** What tells the series of an answer apart, in a few words: the values of those labels that differ, or of all when there is one. */
export function seriesNames(series: Series, fallback: string): string[] {
  const labels = [...new Set(series.flatMap((one) => Object.keys(one.labels)))].toSorted();
  const telling = labels.filter((label) => new Set(series.map((one) => one.labels[label])).size > 1);
  const shown = series.length === 1 ? labels.filter((label) => label !== 'env') : telling;
  return series.map((one) => shown.flatMap((label) => one.labels[label] ?? []).join(' · ') || fallback);
}

/** Two points that lie further apart than this many steps have something missing in between. */
const GAP_STEPS = 1.5;

/** Lines and rows of an answer, by name. Where time is missing, a row of nulls keeps the lines from being drawn across it. */
export function chartData(result: QueryResult, fallback: string): ChartData {
  const names = seriesNames(result.series, fallback);
  const order = result.series
    .map((_, index) => index)
    .toSorted((a, b) => (names[a] as string).localeCompare(names[b] as string));
  const lines = order.map((index, at) => ({ key: `line${at}`, name: names[index] as string }));
  const byTime = new Map<number, Row>();
  let greatest = 0;
  for (const [at, index] of order.entries())
    for (const [seconds, value] of result.series[index]?.points ?? []) {
      const row = byTime.get(seconds) ?? emptyRow(seconds * 1000, lines);
      row[`line${at}`] = value;
      byTime.set(seconds, row);
      greatest = Math.max(greatest, value ?? 0);
    }
  const rows: Row[] = [];
  for (const row of [...byTime.values()].toSorted((a, b) => a.time - b.time)) {
    const before = rows.at(-1);
    if (before && row.time - before.time > GAP_STEPS * result.step_s * 1000)
      rows.push(emptyRow(before.time + result.step_s * 1000, lines));
    rows.push(row);
  }
  return { lines, rows, greatest };
}

const emptyRow = (time: number, lines: readonly ChartLine[]): Row => ({
  ...Object.fromEntries(lines.map(({ key }) => [key, null])),
  time,
});

/** Indexes of points with a gap on either side: a line alone would not show them. */
export function isolatedPoints(rows: readonly Row[], key: string): ReadonlySet<number> {
  const known = (index: number) => typeof rows[index]?.[key] === 'number';
  return new Set(
    rows.map((_, index) => index).filter((index) => known(index) && !known(index - 1) && !known(index + 1)),
  );
}

/** The figures of one line; null when there is none. `now` is null, too, when the line ended before the answer did. */
export interface LineFigures {
  now: number | null;
  least: number | null;
  greatest: number | null;
}

export function lineFigures(rows: readonly Row[], key: string): LineFigures {
  const values = rows.flatMap((row) => row[key] ?? []);
  return {
    now: rows.at(-1)?.[key] ?? null,
    least: values.length > 0 ? Math.min(...values) : null,
    greatest: values.length > 0 ? Math.max(...values) : null,
  };
}

/** The last points of one series as a single one: their sum or their greatest at each time, for a small chart. */
export function joined(series: Series, how: 'sum' | 'greatest'): Point[] {
  const byTime = new Map<number, number | null>();
  for (const { points } of series)
    for (const [time, value] of points) {
      const before = byTime.get(time);
      if (before === undefined || before === null) byTime.set(time, value);
      else if (value !== null) byTime.set(time, how === 'sum' ? before + value : Math.max(before, value));
    }
  return [...byTime].toSorted(([a], [b]) => a - b);
}

/** Whether a query says something of exactly this: all that it needs is given, and nothing is given that it cannot be narrowed by. */
export const suits = (
  { required, optional }: Pick<NamedQuery, 'required' | 'optional'>,
  about: About,
): boolean => {
  const given = (['service', 'tenant_id', 'node_id'] as const).filter((name) => about[name] !== undefined);
  return (
    required.every((name) => given.includes(name)) &&
    given.every((name) => required.includes(name) || optional.includes(name))
  );
};

const MINUTE = 60_000;
const TICK_STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440].map((minutes) => minutes * MINUTE);
const MOST_TICKS = 6;

/** Round local times between two moments, a handful at most. `offset`: what local time is ahead of UTC, in milliseconds. */
export function timeTicks(from: number, to: number, offset: number): number[] {
  const step = TICK_STEPS.find((one) => (to - from) / one <= MOST_TICKS) ?? 2880 * MINUTE;
  const first = Math.ceil((from + offset) / step) * step - offset;
  const ticks: number[] = [];
  for (let at = first; at <= to; at += step) ticks.push(at);
  return ticks;
}

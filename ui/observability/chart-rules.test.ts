import { describe, expect, it } from 'vitest';
import type { QueryResult } from '#contract/observability.ts';
import {
  chartData,
  isolatedPoints,
  joined,
  lineFigures,
  seriesNames,
  suits,
  timeTicks,
} from './chart-rules.ts';

const result = (series: QueryResult['series'], step_s = 15): QueryResult => ({
  name: 'request-rate',
  shape: 'series',
  unit: 'requests_per_s',
  from: '2026-01-01T11:00:00.000Z',
  to: '2026-01-01T12:00:00.000Z',
  step_s,
  series,
  lines: [],
  dropped: 0,
  answer: { source: 'metrics', answered_at: '2026-01-01T12:00:00.000Z', took_ms: 3 },
});

describe('names of series', () => {
  it('are the labels that tell them apart, and nothing that all share', () => {
    const series = ['gateway', 'runner'].map((service) => ({ labels: { env: 'prod', service }, points: [] }));
    expect(seriesNames(series, 'Requests')).toEqual(['gateway', 'runner']);
  });
  it('are all labels but the environment when there is one series, and the title when there is none', () => {
    expect(seriesNames([{ labels: { env: 'prod', service: 'gateway' }, points: [] }], 'Requests')).toEqual([
      'gateway',
    ]);
    expect(seriesNames([{ labels: {}, points: [] }], 'Requests')).toEqual(['Requests']);
  });
});

describe('the rows of a chart', () => {
  it('keep a gap as a gap, whether the server says null or says nothing', () => {
    const { rows, lines } = chartData(
      result([
        {
          labels: { service: 'gateway' },
          points: [
            [0, 1],
            [15, null],
            [30, 3],
          ],
        },
        {
          labels: { service: 'runner' },
          points: [
            [0, 5],
            [90, 7],
          ],
        },
      ]),
      'Requests',
    );
    expect(lines.map(({ name }) => name)).toEqual(['gateway', 'runner']);
    expect(rows.map(({ time, line0, line1 }) => [time, line0, line1])).toEqual([
      [0, 1, 5],
      [15_000, null, null],
      [30_000, 3, null],
      [45_000, null, null],
      [90_000, null, 7],
    ]);
  });
  it('stand under keys that a dot in a name cannot break', () => {
    const { lines } = chartData(result([{ labels: { instance: '10.0.0.7:9100' }, points: [[0, 1]] }]), 'CPU');
    expect(lines).toEqual([{ key: 'line0', name: '10.0.0.7:9100' }]);
  });
  it('tell which points would not be seen as a line', () => {
    const { rows } = chartData(
      result([
        {
          labels: {},
          points: [
            [0, 1],
            [15, null],
            [30, 3],
            [45, null],
            [60, 4],
            [75, 5],
          ],
        },
      ]),
      'Requests',
    );
    expect([...isolatedPoints(rows, 'line0')]).toEqual([0, 2]);
  });
});

describe('the figures of a line', () => {
  const figures = (points: QueryResult['series'][number]['points']) =>
    lineFigures(chartData(result([{ labels: {}, points }]), 'Requests').rows, 'line0');
  it('do not call the last known value the present one', () => {
    expect(
      figures([
        [0, 4],
        [15, 2],
        [30, null],
      ]),
    ).toEqual({ now: null, least: 2, greatest: 4 });
  });
  it('are unknown where nothing is known, not 0', () => {
    expect(figures([[0, null]])).toEqual({ now: null, least: null, greatest: null });
  });
});

describe('joined series', () => {
  const series = [
    {
      labels: { service: 'gateway' },
      points: [
        [0, 1],
        [15, null],
        [30, null],
      ] as [number, number | null][],
    },
    {
      labels: { service: 'runner' },
      points: [
        [0, 5],
        [15, 3],
        [30, null],
      ] as [number, number | null][],
    },
  ];
  it('are the sum of what is known at each time', () => {
    expect(joined(series, 'sum')).toEqual([
      [0, 6],
      [15, 3],
      [30, null],
    ]);
  });
  it('are the worst of what is known at each time', () => {
    expect(joined(series, 'greatest')).toEqual([
      [0, 5],
      [15, 3],
      [30, null],
    ]);
  });
});

describe('a query suits what is asked about', () => {
  const lag = { required: [], optional: ['service', 'node_id'] } as const;
  const of = (query: { required: readonly string[]; optional: readonly string[] }, about: object) =>
    suits(query as never, { environment: 'prod', ...about });
  it('where it can be narrowed to it', () => {
    expect(of(lag, {})).toBe(true);
    expect(of(lag, { service: 'runner' })).toBe(true);
  });
  it('but not where it would answer for more than was asked', () => {
    expect(of(lag, { tenant_id: 'acme' })).toBe(false);
  });
  it('but not where it needs more than is given', () => {
    expect(of({ required: ['tenant_id'], optional: [] }, {})).toBe(false);
  });
});

describe('the ticks of the time axis', () => {
  const HOUR = 3_600_000;
  it('stand at round local times, a handful of them', () => {
    const from = Date.parse('2026-01-01T10:07:00Z');
    expect(timeTicks(from, from + HOUR, 0).map((at) => new Date(at).toISOString().slice(11, 16))).toEqual([
      '10:10',
      '10:20',
      '10:30',
      '10:40',
      '10:50',
      '11:00',
    ]);
  });
  it('are midnights of the local day over a week', () => {
    const offset = 5.5 * HOUR;
    const to = Date.parse('2026-01-08T12:00:00Z');
    for (const at of timeTicks(to - 7 * 24 * HOUR, to, offset)) expect((at + offset) % (24 * HOUR)).toBe(0);
  });
});

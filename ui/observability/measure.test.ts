import { describe, expect, it } from 'vitest';
import { QUERY_UNITS } from '#contract/observability.ts';
import { axisTop, formatMeasure } from './measure.ts';

describe('a figure is written', () => {
  it.each([
    [1_240, 'requests_per_s', '1.24 k/s'],
    [0.351, 'requests_per_s', '0.351/s'],
    [0.0042, 'ratio', '0.42 %'],
    [0.000165, 'ratio', '0.02 %'],
    [0.0000824, 'ratio', '<0.01 %'],
    [0, 'ratio', '0 %'],
    [0.1234, 'ratio', '12.3 %'],
    [0.034, 'seconds', '34 ms'],
    [0.00042, 'seconds', '420 µs'],
    [75, 'seconds', '1 min 15 s'],
    [18_204, 'messages', '18,204'],
    [1_536, 'bytes', '1.5 KiB'],
    [0.25, 'cores', '0.25 cores'],
  ] as const)('%d %s as %s', (value, unit, text) => {
    expect(formatMeasure(value, unit)).toBe(text);
  });
});

describe('the top of an axis', () => {
  it.each([
    [347, 'requests_per_s', 400],
    [0.012, 'ratio', 0.02],
    [0.048, 'seconds', 0.05],
    [3 * 1024 ** 2, 'bytes', 4 * 1024 ** 2],
  ] as const)('over %d %s is %d', (greatest, unit, top) => {
    expect(axisTop(greatest, unit)).toBeCloseTo(top, 9);
  });
  it('holds the greatest figure of every unit, and a line at 0 is not drawn over a whole axis', () => {
    for (const unit of QUERY_UNITS) {
      expect(axisTop(0, unit)).toBeGreaterThan(0);
      for (const greatest of [0.0003, 0.7, 9.99, 10, 1023, 1024, 8e6])
        expect(axisTop(greatest, unit)).toBeGreaterThanOrEqual(greatest);
    }
  });
});

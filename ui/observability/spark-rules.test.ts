import { describe, expect, it } from 'vitest';
import { sparkPath } from './spark-rules.ts';

describe('a small chart', () => {
  it('runs from 0 at the bottom to its greatest value at the top', () => {
    expect(sparkPath([0, 5, 10], 20, 12)).toBe('M0.0 11.0L10.0 6.0L20.0 1.0');
  });
  it('draws nothing across a gap, and a lone point as a short line', () => {
    expect(sparkPath([10, null, 10, 10], 30, 12)).toBe('M0.0 1.0h1M20.0 1.0L30.0 1.0');
  });
  it('lies at the bottom while nothing happens', () => {
    expect(sparkPath([0, 0], 10, 12)).toBe('M0.0 11.0L10.0 11.0');
  });
});

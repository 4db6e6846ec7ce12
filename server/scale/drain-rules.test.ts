import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { drainForecast, expectedDrainSeconds } from './drain-rules.ts';

describe('the forecast of a drain', () => {
  it('comes true for a drain that goes on at its rate', () => {
    expect(drainForecast(100, 60, 4)).toEqual({ rate_per_s: 10, eta_s: 6 });
    expect(drainForecast(100, 0, 10)).toEqual({ rate_per_s: 10, eta_s: 0 });
  });

  it('says nothing before anything has moved', () => {
    expect(drainForecast(10, 10, 3)).toEqual({ rate_per_s: null, eta_s: null });
    expect(drainForecast(10, 12, 3)).toEqual({ rate_per_s: null, eta_s: null });
  });

  it('is never negative nor endless', () => {
    fc.assert(
      fc.property(
        fc.nat(100_000),
        fc.nat(100_000),
        fc.double({ min: 0, max: 600, noNaN: true }),
        (atStart, left, seconds) => {
          const { rate_per_s, eta_s } = drainForecast(atStart, left, seconds);
          for (const value of [rate_per_s, eta_s]) expect(value === null || value >= 0).toBe(true);
        },
      ),
    );
  });
});

describe('the expected time of a drain', () => {
  it('goes by the median rate of earlier ones', () => {
    const history = [
      { units: 10, seconds: 1 },
      { units: 40, seconds: 2 },
      { units: 1000, seconds: 1 },
    ];
    expect(expectedDrainSeconds(60, history)).toBe(3);
  });

  it('is unknown without any, and takes no drain into account that had nothing to do', () => {
    expect(expectedDrainSeconds(60, [])).toBeNull();
    expect(
      expectedDrainSeconds(60, [
        { units: 0, seconds: 1 },
        { units: 5, seconds: 0 },
      ]),
    ).toBeNull();
  });
});

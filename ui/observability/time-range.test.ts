import { describe, expect, it } from 'vitest';
import { QUERY_LIMITS } from '#contract/observability.ts';
import { RANGE_NAMES, RANGES, windowOf } from './time-range.ts';

describe('a time range', () => {
  it.each(RANGE_NAMES)('of %s stays within what the server allows', (range) => {
    const { seconds, step_s } = RANGES[range];
    expect(seconds).toBeLessThanOrEqual(QUERY_LIMITS.longest_range_s);
    expect(step_s).toBeGreaterThanOrEqual(QUERY_LIMITS.shortest_step_s);
    expect(seconds / step_s + 1).toBeLessThanOrEqual(QUERY_LIMITS.most_points);
  });
  it('begins and ends at whole steps, so that charts read a moment apart share their points', () => {
    const at = Date.parse('2026-01-01T12:00:01.300Z');
    expect(windowOf('1h', at)).toEqual(windowOf('1h', at + 9_000));
    expect(windowOf('1h', at).to).toBe('2026-01-01T12:00:00.000Z');
  });
});

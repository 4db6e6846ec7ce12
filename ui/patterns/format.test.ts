import { describe, expect, it } from 'vitest';
import {
  formatAgo,
  formatBytes,
  formatCount,
  formatCountdown,
  formatDuration,
  formatRatio,
  formatTotal,
} from './format.ts';

describe('figures as people read them', () => {
  it('groups counts from 10,000 on', () => {
    expect([0, 9821, 10_000, 18_204, 1.25].map(formatCount)).toEqual([
      '0',
      '9821',
      '10,000',
      '18,204',
      '1.3',
    ]);
  });
  it('says of a bounded total that it is at least so many', () => {
    const noun = { one: 'tenant', many: 'tenants' };
    expect(formatTotal({ count: 100_214, exact: true }, noun)).toBe('100,214 tenants');
    expect(formatTotal({ count: 1, exact: true }, noun)).toBe('1 tenant');
    expect(formatTotal({ count: 1000, exact: false }, noun)).toBe('1,000+ tenants');
  });
  it('carries units', () => {
    expect([0, 1023, 1536, 64 * 2 ** 30].map(formatBytes)).toEqual(['0 B', '1023 B', '1.5 KiB', '64.0 GiB']);
    expect([0.04, 0.42, 9.5, 59, 75, 3600, 7300, 90_000].map(formatDuration)).toEqual([
      '0 s',
      '0.4 s',
      '9.5 s',
      '59 s',
      '1 min 15 s',
      '1 h',
      '2 h 1 min',
      '1 d 1 h',
    ]);
    expect([0, 0.004, 0.61, 1].map(formatRatio)).toEqual(['0 %', '<1 %', '61 %', '100 %']);
    expect([292, 59.2, -3].map(formatCountdown)).toEqual(['4:52', '1:00', '0:00']);
  });
  it('tells how long ago in one unit, and how long until', () => {
    const now = Date.UTC(2026, 0, 1);
    const ago = (seconds: number) => formatAgo(now - seconds * 1000, now);
    expect([0, 12, 185, 7300, 200_000, -400_000].map(ago)).toEqual([
      'now',
      '12 s ago',
      '3 min ago',
      '2 h ago',
      '2 d ago',
      'in 4 d',
    ]);
  });
});

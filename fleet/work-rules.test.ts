import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { activeLevel, drainLevel, fraction, stalledLevel, tenantWork } from './work-rules.ts';

const initial = fc.integer({ min: 0, max: 1_000_000 });
const elapsed = fc.double({ min: 0, max: 10_000, noNaN: true });
const duration = fc.double({ min: 1, max: 5_000, noNaN: true });

describe('a drain', () => {
  it('begins with all of the work, never gains any, and ends with none exactly when its time is over', () => {
    fc.assert(
      fc.property(initial, elapsed, elapsed, duration, (start, one, other, length) => {
        const [earlier, later] = one < other ? [one, other] : [other, one];
        expect(drainLevel(start, 0, length)).toBe(start);
        expect(drainLevel(start, later, length)).toBeLessThanOrEqual(drainLevel(start, earlier, length));
        expect(drainLevel(start, length, length)).toBe(0);
        expect(drainLevel(start, length + later, length)).toBe(0);
        if (start > 0 && earlier < length) expect(drainLevel(start, earlier, length)).toBeGreaterThan(0);
      }),
    );
  });

  it('falls evenly, so that an estimate from the observed rate comes true', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 100, max: 1_000_000 }),
        fc.double({ min: 0.1, max: 0.9, noNaN: true }),
        duration,
        (start, part, length) => {
          const left = drainLevel(start, part * length, length);
          const rate = (start - left) / (part * length);
          // Whole units: the estimate is off by at most the time of one unit on each side.
          const unit = length / start;
          expect(Math.abs(part * length + left / rate - length)).toBeLessThanOrEqual(unit / part + unit);
        },
      ),
    );
  });

  it('that stalls keeps some work for ever', () => {
    fc.assert(
      fc.property(initial, elapsed, duration, (start, passed, length) => {
        const level = stalledLevel(start, passed, length);
        expect(level).toBeGreaterThanOrEqual(1);
        expect(level).toBeGreaterThanOrEqual(drainLevel(start, passed, length));
      }),
    );
  });
});

describe('the work of a tenant', () => {
  it('is something, bounded, and drains within half a second to three seconds', () => {
    fc.assert(
      fc.property(fc.string(), fc.nat(), (tenant_id, now) => {
        const work = tenantWork(tenant_id, true);
        expect(work.drain_ms).toBeGreaterThanOrEqual(500);
        expect(work.drain_ms).toBeLessThanOrEqual(3_000);
        const level = activeLevel(work.inflight, tenant_id, now);
        expect(level).toBeGreaterThanOrEqual(1);
        expect(level).toBeLessThanOrEqual(Math.ceil(work.inflight * 1.2));
      }),
    );
  });

  it('has no consumer lag where nothing is consumed', () => {
    expect(tenantWork('acme', false).consumer_lag).toBe(0);
    expect(activeLevel(0, 'acme', 1)).toBe(0);
  });

  it('is spread evenly over ids that differ in their last character only', () => {
    const tenths = new Set(
      Array.from({ length: 200 }, (_, index) => Math.floor(10 * fraction(`tenant-${index}`))),
    );
    expect(tenths.size).toBe(10);
  });
});

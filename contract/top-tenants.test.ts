import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { OTHER_TENANTS, TOP_TENANTS, TopTenants } from './top-tenants.ts';

type Weights = [string, number][];
const small = { size: 3, edge: 5, patience: 2, margin: 1.5 };
const ids = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', OTHER_TENANTS];
const rankings = fc.array(
  fc.uniqueArray(fc.tuple(fc.constantFrom(...ids), fc.nat({ max: 20 })), { selector: ([id]) => id }),
  { maxLength: 30 },
);
/** `a` weighs most: 100, 99, 98 … */
const inOrder = (...order: string[]): Weights => order.map((id, index) => [id, 100 - index]);

describe('tenants with series of their own', () => {
  it('are never more than there are places, whatever the rankings', () => {
    fc.assert(
      fc.property(rankings, (all) => {
        const top = new TopTenants(small);
        for (const weights of all) {
          top.rank(weights);
          expect([...top.tenants].length).toBeLessThanOrEqual(small.size);
        }
      }),
    );
  });

  it('are told apart as they enter and leave, so that whoever follows that has the same set', () => {
    fc.assert(
      fc.property(rankings, (all) => {
        const top = new TopTenants(small);
        const followed = new Set<string>();
        for (const weights of all) {
          const { entered, left } = top.rank(weights);
          for (const id of left) expect(followed.delete(id)).toBe(true);
          for (const id of entered) {
            expect(followed.has(id)).toBe(false);
            followed.add(id);
          }
          expect([...top.tenants].toSorted()).toEqual([...followed].toSorted());
        }
      }),
    );
  });

  it('are the heaviest when all is new, and everybody else is other', () => {
    const top = new TopTenants(small);
    top.rank(inOrder('a', 'b', 'c', 'd'));
    expect(['a', 'b', 'c', 'd'].map((id) => top.labelOf(id))).toEqual(['a', 'b', 'c', OTHER_TENANTS]);
  });

  it('are never the tenant that is called other, whose series is that of the rest', () => {
    fc.assert(
      fc.property(rankings, (all) => {
        const top = new TopTenants(small);
        for (const weights of all) expect(top.rank(weights).entered).not.toContain(OTHER_TENANTS);
      }),
    );
  });

  it('do not change when tenants of nearly the same weight take turns', () => {
    const top = new TopTenants(small);
    top.rank(inOrder('a', 'b', 'c', 'd'));
    for (let turn = 0; turn < 50; turn += 1) {
      const change = top.rank(turn % 2 === 0 ? inOrder('d', 'c', 'b', 'a') : inOrder('a', 'b', 'c', 'd'));
      expect(change).toEqual({ entered: [], left: [] });
    }
  });

  it('hold a newcomer that outweighs the lightest at once', () => {
    const top = new TopTenants(small);
    top.rank(inOrder('a', 'b', 'c', 'd'));
    expect(top.rank([...inOrder('a', 'b', 'c'), ['attacker', 1_000]])).toEqual({
      entered: ['attacker'],
      left: ['c'],
    });
  });

  it('leave after they were beyond the edge for some rankings in a row, and not before', () => {
    const top = new TopTenants(small);
    top.rank(inOrder('a', 'b', 'c'));
    const without: Weights = inOrder('a', 'b');
    expect(top.rank(without).left).toEqual([]);
    expect(top.rank(inOrder('a', 'b', 'c')).left).toEqual([]);
    expect(top.rank(without).left).toEqual([]);
    expect(top.rank(without).left).toEqual(['c']);
  });

  it('are 20 of 10,000 that rise and fall, and change less often than the first 20 do', () => {
    const top = new TopTenants();
    let changes = 0;
    let naive = 0;
    let before = new Set<string>();
    for (let round = 0; round < 30; round += 1) {
      const weights = Array.from({ length: 10_000 }, (_, index): [string, number] => [
        `tenant-${index}`,
        // A few are large, as tenants are; each swings by a fifth, as in life.
        (index % 97) ** 8 * (1 + index / 20_000) * (5 + Math.sin(index + round)),
      ]);
      changes += top.rank(weights).entered.length;
      expect([...top.tenants].length).toBe(TOP_TENANTS.size);
      const first = weights.toSorted(([, one], [, two]) => two - one).slice(0, TOP_TENANTS.size);
      naive += first.filter(([id]) => !before.has(id)).length;
      before = new Set(first.map(([id]) => id));
    }
    expect(changes).toBeLessThan(naive / 2);
  });
});

import { describe, expect, it } from 'vitest';
import { endingSteps, sessionsAtMost } from './session-ending-rules.ts';

describe('a plan to end sessions', () => {
  it.each([
    [0, 10],
    [10, 10],
    [11, 20],
    [21, 50],
    [4_213, 5_000],
    [1_000_000, 1_000_000],
  ])('for %i covers up to %i', (sessions, most) => expect(sessionsAtMost(sessions)).toBe(most));

  it.each([
    [{ ip: '10.0.0.0/8' }, ['control', 'gateway']],
    [{ source: 'gateway' as const }, ['gateway']],
    [{ user_id: '00000000-0000-7000-8000-000000000001' }, ['control']],
    [{ client: 'cli' as const }, ['control']],
    [{ tenant_id: 'acme' }, ['gateway']],
    [{ end_user_id: 'alice' }, ['gateway']],
  ])('with %o has the steps that it can touch', (filter, names) =>
    expect(endingSteps(filter).map(({ name }) => name)).toEqual(names),
  );
});

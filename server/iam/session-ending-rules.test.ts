import { describe, expect, it } from 'vitest';
import { planOf } from '#server/jobs/plan-rules.ts';
import { endingSteps, planRevokeMatchingDraft, sessionsAtMost } from './session-ending-rules.ts';

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

  it('says whose sessions end, and does not drift when a few come or go', () => {
    const planned = (sessions: number) =>
      planOf(
        planRevokeMatchingDraft({
          filter: { tenant_id: 'acme' },
          include_own: false,
          matching: {
            sessions,
            control: 0,
            gateway: sessions,
            own: { fits: false, ends: false },
            observed_at: null,
            sample: [],
          },
          owners: {
            users: 0,
            first_users: [],
            end_users: sessions,
            first_end_users: [],
            tenants: 1,
            first_tenants: [{ tenant_id: 'acme', environment: 'prod', sessions }],
          },
          unwatched: [],
        }),
        new Date(0),
      );
    expect(planned(12).blast_radius.people).toMatchObject({ sessions: 12, end_users: 12, own: 'none' });
    expect(planned(13).plan_hash).toBe(planned(12).plan_hash);
    expect(planned(21).plan_hash).not.toBe(planned(12).plan_hash);
  });
});

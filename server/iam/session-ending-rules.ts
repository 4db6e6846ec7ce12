/** Pure: the plan to end all sessions that fit a filter. */
import type { RevokeMatchingPlan, SessionsToEnd } from '#contract/iam.ts';
import type { Check, PlanDraft, TouchedPeople } from '#contract/jobs.ts';

export const REVOKE_MATCHING = 'iam.sessions.revoke_matching';

export type RevokeMatchingRequest = {
  filter: SessionsToEnd;
  include_own: boolean;
};

export type RevokeMatchingFacts = RevokeMatchingRequest & {
  matching: RevokeMatchingPlan['matching'];
  owners: Omit<TouchedPeople, 'sessions' | 'own'>;
  /** Environments with sessions that fit, whose index does not follow its Gateway now, with the reason. */
  unwatched: readonly { environment: string; detail: string }[];
};

/** For how long an unreachable Gateway is asked again before a person is called. */
const GATEWAY_PATIENCE_S = 3_600;
const CONTROL_TIME_BOX_S = 600;

/** Which of the two kinds a filter can fit. */
export function sourcesOf({ source, user_id, client, end_user_id, tenant_id, environment }: SessionsToEnd) {
  return {
    control: source !== 'gateway' && (end_user_id ?? tenant_id ?? environment) === undefined,
    gateway: source !== 'control' && (user_id ?? client) === undefined,
  };
}

/** The steps of a filter, with what a reader of the plan wants to know of each. */
export function endingSteps(filter: SessionsToEnd) {
  const { control, gateway } = sourcesOf(filter);
  return [
    ...(control
      ? [{ name: 'control' as const, title: 'End the sessions of operators', time_box_s: CONTROL_TIME_BOX_S }]
      : []),
    ...(gateway
      ? [
          {
            name: 'gateway' as const,
            title: 'End the sessions of end users, at their Gateways',
            time_box_s: GATEWAY_PATIENCE_S,
          },
        ]
      : []),
  ];
}

/**
 * What was approved covers up to this many sessions: some may come or go between reading and starting, but not ten times as many. The
 * next of 10, 20, 50, 100, 200, …
 */
export function sessionsAtMost(sessions: number): number {
  for (let power = 10; ; power *= 10) {
    const step = [1, 2, 5].find((factor) => sessions <= factor * power);
    if (step !== undefined) return step * power;
  }
}

export function planRevokeMatchingDraft({
  filter,
  include_own,
  matching,
  owners,
  unwatched,
}: RevokeMatchingFacts): PlanDraft {
  const subject = { type: 'sessions' as const, id: wordsOf(filter) };
  const ending = matching.sessions - (matching.own.fits && !matching.own.ends ? 1 : 0);
  const check = (
    code: string,
    level: Check['level'],
    message: string,
    figure: number | null = null,
  ): Check => ({
    code,
    level,
    message,
    subject,
    figure,
    threshold: null,
    unit: figure === null ? null : 'sessions',
  });
  const checks = [
    ending === 0
      ? check('no_sessions', 'blocker', 'No live session fits.', 0)
      : check('sessions', 'ok', `${ending} live ${ending === 1 ? 'session fits' : 'sessions fit'}.`, ending),
    ...(matching.own.ends
      ? [
          check(
            'own_session',
            'warning',
            'The session you are using fits and ends too: you will be signed out.',
          ),
        ]
      : []),
    ...(matching.own.fits && !matching.own.ends
      ? [check('own_session_kept', 'ok', 'The session you are using fits and is left alone.')]
      : []),
    ...unwatched.map(({ environment, detail }) => ({
      ...check(
        'gateway_not_followed',
        'warning',
        `What is known of the sessions in ${environment} is old: ${detail} The job waits for its Gateway for up to an hour.`,
      ),
      subject: { type: 'environment' as const, id: environment },
    })),
  ];
  return {
    kind: REVOKE_MATCHING,
    title: `End all sessions where ${subject.id}`,
    environment: null,
    target: subject,
    input: { filter, include_own },
    steps: endingSteps(filter).map((step) => ({
      ...step,
      undo_title: null,
      point_of_no_return: true,
      changes_nothing: false,
      eta_s: null,
    })),
    changes: [{ path: '/sessions/state', before: 'active', after: 'revoked' }],
    checks,
    blast_radius: {
      tenants: [],
      nodes: [],
      services: [],
      people: {
        sessions: ending,
        own: matching.own.ends ? 'ends' : matching.own.fits ? 'kept' : 'none',
        ...owners,
      },
    },
    revisions: { sessions_at_most: sessionsAtMost(ending) },
    rollback: 'There is no way back: whoever is touched signs in again.',
  };
}

/** The filter as a person reads it: `tenant_id is acme and ip is 203.0.113.0/24`. */
const wordsOf = (filter: SessionsToEnd): string =>
  Object.entries(filter)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${name} is ${value}`)
    .join(' and ');

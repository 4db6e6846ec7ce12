import type { Registry } from 'prom-client';
import { OTHER_TENANTS } from '#contract/top-tenants.ts';
import { medianUnder } from '../demand-rules.ts';
import type { NodeState } from '../node-state.ts';
import type { PlaceChange, TrafficPeriod, WorkMetrics } from './node-traffic.ts';
import { CALLER_ERRORS, REFUSAL_MEDIAN_S } from './routes.ts';
import { TenantCounter } from './tenant-counter.ts';
import { WorkCounter, WorkHistogram } from './work-series.ts';

const MEDIAN_S = 0.025;
// Sessions last: few requests are sign-ins, and few of these fail.
const LOGIN_SHARE = 0.0002;
const LOGIN_RESULTS = { ok: 0.977, wrong_credentials: 0.02, locked: 0.001, mfa_failed: 0.002 };
/** Of somebody who tries passwords that leaked elsewhere. */
const GUESS_RESULTS = { ok: 0.002, wrong_credentials: 0.778, locked: 0.17, mfa_failed: 0.05 };
// Users who end their other sessions, for each sign-in.
const REVOKED_BY_USERS = 0.001;

export type RevocationCause = 'user' | 'operator' | 'token_reuse';

export class GatewayMetrics implements WorkMetrics {
  readonly #node: NodeState;
  readonly #requests: TenantCounter<'status_class'>;
  readonly #durations: WorkHistogram;
  readonly #logins: WorkCounter<'result'>;
  readonly #revoked: WorkCounter<'cause'>;

  constructor(node: NodeState, registers: Registry[]) {
    this.#node = node;
    this.#requests = new TenantCounter(
      {
        name: 'gateway_tenant_requests_total',
        help: 'Requests of tenants.',
        label: { name: 'status_class', values: ['2xx', '3xx', '4xx', '429', '5xx'] },
      },
      registers,
    );
    this.#durations = new WorkHistogram(
      {
        name: 'gateway_tenant_request_duration_seconds',
        help: 'Time to answer a request of a tenant. The largest tenants, the rest as other.',
        buckets: [0.01, 0.05, 0.1, 0.25, 0.5, 1, 5],
      },
      registers,
    );
    this.#logins = new WorkCounter({
      name: 'gateway_logins_total',
      help: 'Sign-ins of end users.',
      labelNames: ['result'],
      registers,
    });
    this.#revoked = new WorkCounter({
      name: 'gateway_sessions_revoked_total',
      help: 'Sessions of end users that were ended.',
      labelNames: ['cause'],
      registers,
    });
    for (const result of Object.keys(LOGIN_RESULTS)) this.#logins.inc({ result }, 0);
    for (const cause of ['user', 'operator', 'token_reuse'] as const) this.countRevoked(cause, 0);
    this.place({ entered: [OTHER_TENANTS], left: [] });
  }

  countRevoked(cause: RevocationCause, count: number): void {
    this.#revoked.inc({ cause }, count);
  }

  count(period: TrafficPeriod): void {
    const { condition, seconds } = period;
    const { failing } = condition;
    for (const { tenant_id, admitted, refused } of period.tenants) {
      const count = (status_class: string, share: number): void =>
        this.#requests.add(tenant_id, admitted * share, { status_class });
      count('2xx', (1 - failing) * (1 - CALLER_ERRORS));
      count('4xx', (1 - failing) * CALLER_ERRORS);
      count('5xx', failing);
      this.#requests.add(tenant_id, refused, { status_class: '429' });
      this.#durations.add({ tenant_id }, admitted, medianUnder(condition, MEDIAN_S));
      if (refused > 0) this.#durations.add({ tenant_id }, refused, REFUSAL_MEDIAN_S);
    }
    const logins = period.resting * LOGIN_SHARE;
    const guesses = this.#node.guessedLogins() * seconds;
    for (const result of Object.keys(LOGIN_RESULTS) as (keyof typeof LOGIN_RESULTS)[]) {
      this.#logins.inc({ result }, logins * LOGIN_RESULTS[result] + guesses * GUESS_RESULTS[result]);
    }
    this.countRevoked('user', logins * REVOKED_BY_USERS);
  }

  place(change: PlaceChange): void {
    this.#requests.place(change);
    for (const tenant_id of change.left) this.#durations.remove({ tenant_id });
    for (const tenant_id of change.entered) this.#durations.add({ tenant_id }, 0, MEDIAN_S);
  }
}

import { Gauge, type Registry } from 'prom-client';
import { medianUnder } from '../demand-rules.ts';
import type { NodeState } from '../node-state.ts';
import { activeLevel } from '../work-rules.ts';
import type { TrafficPeriod, WorkMetrics } from './node-traffic.ts';
import { EFFECTS } from './routes.ts';
import { WORK_BUCKETS, WorkCounter, WorkHistogram } from './work-series.ts';

/** Share of all effects, and median seconds. */
const EFFECT_TYPES = {
  call_webhook: { share: 0.5, median_s: 0.08 },
  send_email: { share: 0.3, median_s: 0.12 },
  start_saga: { share: 0.2, median_s: 0.01 },
};
const EFFECT_DEADLINE_S = 30;
// A message waits for its dispatcher this long.
const PICKUP_S = 0.05;
// A runner can dispatch this many times what usually comes.
const CATCH_UP = 5;
// While nothing gets through: of the attempts, those that end at their deadline, and those that were the last.
const TIMEOUT_SHARE = 0.3;
const LAST_ATTEMPT_SHARE = 0.02;
const SCHEDULES = 3;

/** Outbox: the messages that wait to be dispatched. It fills while nothing gets through, and is worked off afterwards. */
export class RunnerMetrics implements WorkMetrics {
  readonly #node: NodeState;
  readonly #clock: () => number;
  readonly #depth: Gauge;
  readonly #oldest: Gauge;
  readonly #due: Gauge;
  readonly #dispatches: WorkCounter<'result'>;
  readonly #durations: WorkHistogram;
  readonly #timeouts: WorkCounter<'effect_type'>;
  readonly #deadLetters: WorkCounter<'cause'>;
  #backlog = 0;
  /** Effects a second, when there last were any. */
  #usual = 0;

  constructor(node: NodeState, clock: () => number, registers: Registry[]) {
    this.#node = node;
    this.#clock = clock;
    const gauge = (name: string, help: string): Gauge => new Gauge({ name, help, registers });
    this.#depth = gauge('runner_outbox_depth', 'Messages in the outbox that are not dispatched.');
    this.#oldest = gauge(
      'runner_outbox_oldest_age_seconds',
      'Age of the oldest message in the outbox; 0 when it is empty.',
    );
    this.#due = gauge(
      'runner_schedules_due',
      'Schedules whose time has come and that have not been started.',
    );
    this.#dispatches = new WorkCounter({
      name: 'runner_outbox_dispatches_total',
      help: 'Attempts to dispatch a message.',
      labelNames: ['result'],
      registers,
    });
    this.#durations = new WorkHistogram(
      { name: 'runner_effect_duration_seconds', help: 'Time that an effect took.', buckets: WORK_BUCKETS },
      registers,
    );
    this.#timeouts = new WorkCounter({
      name: 'runner_effect_timeouts_total',
      help: 'Effects given up at their deadline.',
      labelNames: ['effect_type'],
      registers,
    });
    this.#deadLetters = new WorkCounter({
      name: 'runner_dead_letters_total',
      help: 'Poison messages that were put aside.',
      labelNames: ['cause'],
      registers,
    });
    for (const result of ['ok', 'failed']) this.#dispatches.inc({ result }, 0);
    for (const effect_type of Object.keys(EFFECT_TYPES)) this.#timeouts.inc({ effect_type }, 0);
    for (const cause of ['undecodable', 'rejected', 'attempts_exhausted'])
      this.#deadLetters.inc({ cause }, 0);
  }

  count(period: TrafficPeriod): void {
    const { seconds, admitted } = period;
    const arrived = admitted * EFFECTS;
    if (arrived > 0) this.#usual = arrived / seconds;
    if (this.#node.effectsFail()) this.#failAll(arrived, this.#usual * seconds);
    else this.#dispatch(arrived, period);
    this.#show(period);
  }

  place(): void {
    // Nothing here is by tenant.
  }

  #dispatch(arrived: number, { seconds, condition }: TrafficPeriod): void {
    const attempts = Math.min(this.#backlog + arrived, CATCH_UP * this.#usual * seconds);
    const failed = attempts * condition.failing;
    this.#backlog += arrived - attempts;
    this.#dispatches.inc({ result: 'ok' }, attempts - failed);
    this.#dispatches.inc({ result: 'failed' }, failed);
    for (const [effect_type, { share, median_s }] of Object.entries(EFFECT_TYPES)) {
      this.#durations.add({ effect_type }, attempts * share, medianUnder(condition, median_s));
    }
  }

  /** Everything is tried, and tried again, and comes to nothing. */
  #failAll(arrived: number, attempts: number): void {
    const putAside = Math.min(this.#backlog + arrived, attempts * LAST_ATTEMPT_SHARE);
    this.#backlog += arrived - putAside;
    this.#dispatches.inc({ result: 'failed' }, attempts);
    this.#deadLetters.inc({ cause: 'attempts_exhausted' }, putAside);
    for (const [effect_type, { share }] of Object.entries(EFFECT_TYPES)) {
      const timeouts = attempts * share * TIMEOUT_SHARE;
      this.#timeouts.inc({ effect_type }, timeouts);
      this.#durations.add({ effect_type }, timeouts, EFFECT_DEADLINE_S);
    }
  }

  #show({ resting, seconds, condition }: TrafficPeriod): void {
    const pickup = medianUnder(condition, PICKUP_S);
    const rate = seconds > 0 ? (resting * EFFECTS) / seconds : 0;
    const depth = Math.round(this.#backlog + rate * pickup);
    this.#depth.set(depth);
    this.#oldest.set(depth === 0 ? 0 : pickup + (this.#usual > 0 ? this.#backlog / this.#usual : 0));
    const due = activeLevel(SCHEDULES, `${this.#node.spec.node_id} schedules`, this.#clock()) - 1;
    this.#due.set(due + Math.floor(this.#backlog / 50));
  }
}

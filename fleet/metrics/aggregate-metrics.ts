import { Gauge, type Registry } from 'prom-client';
import { OTHER_TENANTS } from '#contract/top-tenants.ts';
import { medianUnder } from '../demand-rules.ts';
import type { NodeState } from '../node-state.ts';
import type { PlaceChange, TrafficPeriod, WorkMetrics } from './node-traffic.ts';
import { COMMANDS } from './routes.ts';
import { TenantCounter } from './tenant-counter.ts';
import { WORK_BUCKETS, WorkCounter, WorkHistogram } from './work-series.ts';

const COMMAND_MEDIAN_S = 0.012;
const PUBLISH_MEDIAN_S = 0.003;
// Commands that meet another on the same stream; the longer they take, the more.
const CONFLICT_SHARE = 0.003;

export class AggregateMetrics implements WorkMetrics {
  readonly #commands: WorkHistogram;
  readonly #publishes: WorkHistogram;
  readonly #conflicts: WorkCounter;
  readonly #errors: TenantCounter;

  constructor(node: NodeState, topTenants: () => Iterable<string>, registers: Registry[]) {
    new Gauge({
      name: 'aggregate_in_flight_commands',
      help: 'Commands in flight by tenant. The largest tenants, the rest as other.',
      labelNames: ['tenant_id'],
      registers,
      collect() {
        this.reset();
        let rest = node.status().inflight;
        for (const tenant_id of topTenants()) {
          const inflight = node.tenantInflight(tenant_id);
          rest -= inflight;
          this.set({ tenant_id }, inflight);
        }
        this.set({ tenant_id: OTHER_TENANTS }, Math.max(0, rest));
      },
    });
    const histogram = (name: string, help: string): WorkHistogram =>
      new WorkHistogram({ name, help, buckets: WORK_BUCKETS }, registers);
    this.#commands = histogram(
      'aggregate_command_duration_seconds',
      'Time from taking a command to its events being stored.',
    );
    this.#publishes = histogram(
      'aggregate_publish_duration_seconds',
      'Time until a published event is acknowledged.',
    );
    this.#conflicts = new WorkCounter({
      name: 'aggregate_version_conflicts_total',
      help: 'Commands that lost the race for an expected version, retries included.',
      registers,
    });
    this.#errors = new TenantCounter(
      { name: 'aggregate_tenant_errors_total', help: 'Commands that failed through no fault of the caller.' },
      registers,
    );
  }

  count({ tenants, admitted, condition }: TrafficPeriod): void {
    const commands = admitted * COMMANDS;
    this.#commands.add({}, commands, medianUnder(condition, COMMAND_MEDIAN_S));
    this.#publishes.add({}, commands * (1 - condition.failing), medianUnder(condition, PUBLISH_MEDIAN_S));
    this.#conflicts.inc(Math.min(commands, commands * CONFLICT_SHARE * condition.slowdown));
    for (const tenant of tenants) {
      this.#errors.add(tenant.tenant_id, tenant.admitted * COMMANDS * condition.failing);
    }
  }

  place(change: PlaceChange): void {
    this.#errors.place(change);
  }
}

import type { Registry } from 'prom-client';
import { medianUnder } from '../demand-rules.ts';
import type { PlaceChange, TrafficPeriod, WorkMetrics } from './node-traffic.ts';
import { EVENTS } from './routes.ts';
import { TenantCounter } from './tenant-counter.ts';
import { WORK_BUCKETS, WorkHistogram } from './work-series.ts';

/** Median seconds to apply an event to a view of the type. */
const VIEW_TYPES = { read_model: 0.003, search_index: 0.008 };

export class ProjectionMetrics implements WorkMetrics {
  readonly #processed: TenantCounter<'view_type'>;
  readonly #errors: TenantCounter<'view_type'>;
  readonly #durations: WorkHistogram;

  constructor(registers: Registry[]) {
    const label = { name: 'view_type', values: Object.keys(VIEW_TYPES) } as const;
    this.#processed = new TenantCounter(
      { name: 'projection_events_processed_total', help: 'Events applied to views.', label },
      registers,
    );
    this.#errors = new TenantCounter(
      {
        name: 'projection_processing_errors_total',
        help: 'Events that could not be applied.',
        label,
      },
      registers,
    );
    this.#durations = new WorkHistogram(
      {
        name: 'projection_processing_duration_seconds',
        help: 'Time to apply one event.',
        buckets: WORK_BUCKETS,
      },
      registers,
    );
  }

  count({ tenants, admitted, condition }: TrafficPeriod): void {
    for (const [view_type, median] of Object.entries(VIEW_TYPES)) {
      this.#durations.add({ view_type }, admitted * EVENTS, medianUnder(condition, median));
      for (const tenant of tenants) {
        const events = tenant.admitted * EVENTS;
        this.#processed.add(tenant.tenant_id, events * (1 - condition.failing), { view_type });
        this.#errors.add(tenant.tenant_id, events * condition.failing, { view_type });
      }
    }
  }

  place(change: PlaceChange): void {
    this.#processed.place(change);
    this.#errors.place(change);
  }
}

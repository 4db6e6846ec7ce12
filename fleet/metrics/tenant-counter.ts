import type { Registry } from 'prom-client';
import { OTHER_TENANTS } from '#contract/top-tenants.ts';
import type { PlaceChange } from './node-traffic.ts';
import { WorkCounter } from './work-series.ts';

type Declaration<Label extends string> = {
  name: string;
  help: string;
  /** The one small label besides the tenant, with all its values. */
  label?: { name: Label; values: readonly string[] };
};

/** A counter by tenant, with series for the tenants that have a place and for `other`. */
export class TenantCounter<Label extends string = never> {
  readonly #counter: WorkCounter;
  readonly #labels: readonly Record<string, string>[];

  constructor({ name, help, label }: Declaration<Label>, registers: Registry[]) {
    const labelNames = ['tenant_id', ...(label === undefined ? [] : [label.name])];
    this.#counter = new WorkCounter({
      name,
      help: `${help} The largest tenants, the rest as other.`,
      labelNames,
      registers,
    });
    this.#labels = label === undefined ? [{}] : label.values.map((value) => ({ [label.name]: value }));
    this.place({ entered: [OTHER_TENANTS], left: [] });
  }

  add(tenant_id: string, count: number, labels?: Record<Label, string>): void {
    this.#counter.inc({ tenant_id, ...labels }, count);
  }

  /** A tenant that enters is shown at 0 first, one that leaves loses its series. */
  place({ entered, left }: PlaceChange): void {
    for (const labels of this.#labels) {
      for (const tenant_id of left) this.#counter.remove({ tenant_id, ...labels });
      for (const tenant_id of entered) this.#counter.inc({ tenant_id, ...labels }, 0);
    }
  }
}

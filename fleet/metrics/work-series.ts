import { Counter, type Metric, type Registry } from 'prom-client';
import { meanOf, shareWithin } from '../demand-rules.ts';

/**
 * Metrics of simulated work, which comes in bulk: `12,000 requests that take 30 ms in the median`. Sums are kept exactly and shown as
 * whole numbers, so that a rate of one in a minute is one in a minute.
 */

/** Bounds of histograms of work within the platform. */
export const WORK_BUCKETS = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 30];

type Labels = Record<string, string>;

/** A counter that is shown in whole numbers. */
export class WorkCounter<Name extends string = string> extends Counter<Name> {
  override async get(): ReturnType<Counter<Name>['get']> {
    const metric = await super.get();
    return { ...metric, values: metric.values.map((each) => ({ ...each, value: Math.floor(each.value) })) };
  }
}

type Series = { labels: Labels; within: number[]; sum: number; count: number };

/** A histogram that takes many durations at once. */
export class WorkHistogram {
  readonly name: string;
  readonly help: string;
  readonly type = 'histogram';
  readonly aggregator = 'sum';
  readonly #bounds: readonly number[];
  readonly #series = new Map<string, Series>();

  constructor(
    { name, help, buckets }: { name: string; help: string; buckets: readonly number[] },
    registers: readonly Registry[],
  ) {
    this.name = name;
    this.help = help;
    this.#bounds = buckets;
    // The library's type asks for more than its registry does: `get` alone.
    for (const registry of registers) registry.registerMetric(this as unknown as Metric<string>);
  }

  /** One duration in seconds. */
  observe(labels: Labels, seconds: number): void {
    this.#add(labels, 1, seconds, (bound) => Number(seconds <= bound));
  }

  /** `count` durations spread around `median` seconds. */
  add(labels: Labels, count: number, median: number): void {
    this.#add(labels, count, meanOf(median), (bound) => shareWithin(bound, median));
  }

  remove(labels: Labels): void {
    this.#series.delete(keyOf(labels));
  }

  async get() {
    const values = [...this.#series.values()].flatMap(({ labels, within, sum, count }) => [
      ...this.#bounds.map((le, index) =>
        this.#value('_bucket', { ...labels, le: String(le) }, Math.floor(within[index] ?? 0)),
      ),
      this.#value('_bucket', { ...labels, le: '+Inf' }, Math.floor(count)),
      this.#value('_sum', labels, sum),
      this.#value('_count', labels, Math.floor(count)),
    ]);
    const { name, help, type, aggregator } = this;
    return { name, help, type, aggregator, values };
  }

  #value(suffix: string, labels: Labels, value: number) {
    return { metricName: this.name + suffix, labels, value };
  }

  #add(labels: Labels, count: number, mean: number, shareOf: (bound: number) => number): void {
    const key = keyOf(labels);
    const series = this.#series.get(key) ?? { labels, within: this.#bounds.map(() => 0), sum: 0, count: 0 };
    this.#series.set(key, series);
    for (const [index, bound] of this.#bounds.entries()) {
      series.within[index] = (series.within[index] ?? 0) + count * shareOf(bound);
    }
    series.sum += count * mean;
    series.count += count;
  }
}

const keyOf = (labels: Labels): string =>
  JSON.stringify(
    Object.keys(labels)
      .toSorted()
      .map((name) => [name, labels[name]]),
  );

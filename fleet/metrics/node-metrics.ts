import { Counter, Gauge, Registry } from 'prom-client';
import { medianUnder } from '../demand-rules.ts';
import type { NodeState } from '../node-state.ts';
import { AggregateMetrics } from './aggregate-metrics.ts';
import { GatewayMetrics, type RevocationCause } from './gateway-metrics.ts';
import { NodeTraffic, type TrafficPeriod, type WorkMetrics } from './node-traffic.ts';
import { ProjectionMetrics } from './projection-metrics.ts';
import { CALLER_ERRORS, REFUSAL_MEDIAN_S, ROUTES, type Route } from './routes.ts';
import { RunnerMetrics } from './runner-metrics.ts';
import { StorageMetrics } from './storage-metrics.ts';
import { WorkCounter, WorkHistogram } from './work-series.ts';

/** The Prometheus metrics of one node; traffic of tenants is simulated from their rates, that of the node contract is real. */
export class NodeMetrics {
  readonly #node: NodeState;
  readonly #registry = new Registry();
  readonly #traffic: NodeTraffic;
  readonly #parts: WorkMetrics[];
  readonly #gateway: GatewayMetrics | null = null;
  readonly #requests: WorkCounter<'path' | 'method' | 'status'>;
  readonly #durations: WorkHistogram;
  readonly #processorTime: Counter;

  constructor(node: NodeState, clock: () => number) {
    this.#node = node;
    this.#traffic = new NodeTraffic(node, clock);
    const { kind, environment, version, git_sha } = node.spec;
    const registers = [this.#registry];
    this.#registry.setDefaultLabels({ service: kind, env: environment });
    new Gauge({
      name: `${kind}_build_info`,
      help: 'Version that runs; always 1.',
      labelNames: ['version', 'git_sha'],
      registers,
    }).set({ version, git_sha }, 1);
    this.#requests = new WorkCounter({
      name: 'http_requests_total',
      help: 'HTTP requests by route template.',
      labelNames: ['path', 'method', 'status'],
      registers,
    });
    this.#durations = new WorkHistogram(
      {
        name: 'http_request_duration_seconds',
        help: 'Time to answer an HTTP request, by route template.',
        buckets: [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5],
      },
      registers,
    );
    this.#processorTime = new Counter({
      name: 'process_cpu_seconds_total',
      help: 'CPU time used by the process.',
      registers,
    });
    this.#addNodeGauges(registers);
    if (kind === 'gateway') this.#gateway = new GatewayMetrics(node, registers);
    const topTenants = (): Iterable<string> => this.#traffic.topTenants;
    this.#parts = [
      ...(this.#gateway === null ? [] : [this.#gateway]),
      ...(kind === 'aggregate' ? [new AggregateMetrics(node, topTenants, registers)] : []),
      ...(kind === 'projection' ? [new ProjectionMetrics(registers)] : []),
      ...(kind === 'runner' ? [new RunnerMetrics(node, clock, registers)] : []),
      ...(kind === 'gateway' ? [] : [new StorageMetrics(node, clock, registers)]),
    ];
    this.countWork();
  }

  /** Counts one answered request; `path` is the route template. */
  observeRequest(path: string, method: string, status: number, seconds: number): void {
    const labels = { path, method, status: String(status) };
    this.#requests.inc(labels);
    this.#durations.observe(labels, seconds);
  }

  /** Counts sessions of end users that were ended; only gateways have any. */
  countRevoked(cause: RevocationCause, count: number): void {
    this.#gateway?.countRevoked(cause, count);
  }

  /** Counts what was done until now, and after that makes a new ranking of the tenants when it is time. */
  countWork(): void {
    const period = this.#traffic.look();
    for (const part of this.#parts) part.count(period);
    for (const route of ROUTES[this.#node.spec.kind]) this.#countRequests(route, period);
    this.#processorTime.inc((this.#node.status().load?.cpu_cores ?? 0) * period.seconds);
    const change = this.#traffic.rank();
    for (const part of this.#parts) part.place(change);
  }

  /** Prometheus text. */
  async text(): Promise<{ contentType: string; body: string }> {
    this.countWork();
    return { contentType: this.#registry.contentType, body: await this.#registry.metrics() };
  }

  #countRequests({ path, method, status, share, median_s }: Route, period: TrafficPeriod): void {
    const { condition, admitted, refused } = period;
    const { failing } = condition;
    const median = medianUnder(condition, median_s);
    const count = (answer: string, requests: number, took: number): void => {
      this.#requests.inc({ path, method, status: answer }, requests * share);
      this.#durations.add({ path, method, status: answer }, requests * share, took);
    };
    count(status, admitted * (1 - failing) * (1 - CALLER_ERRORS), median);
    count('400', admitted * (1 - failing) * CALLER_ERRORS, median);
    count('500', admitted * failing, median);
    if (this.#gateway !== null) count('429', refused, REFUSAL_MEDIAN_S);
  }

  #addNodeGauges(registers: Registry[]): void {
    const node = this.#node;
    const gauges: [name: string, help: string, read: () => number][] = [
      [
        'platform_placement_revision',
        'Placement revision that the node serves.',
        () => node.status().placement_revision,
      ],
      ['platform_draining', '1 while the whole node drains.', () => Number(node.status().draining)],
      ['platform_ready', '1 when the node is ready.', () => Number(node.ready().ready)],
      ['platform_tenants', 'Tenants that the node serves.', () => node.load().tenants],
      ['platform_in_flight', 'Units of work in flight.', () => node.status().inflight],
      ['platform_consumer_lag', 'Messages not yet processed.', () => node.status().consumer_lag],
      ['platform_storage_ok', '1 while the store accepts writes.', () => Number(node.status().storage.ok)],
      ['platform_storage_used_bytes', 'Bytes used in the store.', () => node.status().storage.used_bytes],
      [
        'platform_storage_capacity_bytes',
        'Bytes the store can hold.',
        () => node.status().storage.capacity_bytes,
      ],
      [
        'process_resident_memory_bytes',
        'Resident memory of the process.',
        () => node.status().load?.memory_bytes ?? 0,
      ],
    ];
    for (const [name, help, read] of gauges) {
      new Gauge({
        name,
        help,
        registers,
        collect() {
          this.set(read());
        },
      });
    }
  }
}

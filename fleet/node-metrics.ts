import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { NodeState } from './node-state.ts';

// Tenants with series of their own; all others are counted as `other`, so the number of series is bounded.
const TOP_TENANTS = 20;
// How long a ranking stands: tenants do not hop in and out of their own series with every scrape.
const RANKING_MS = 10_000;
const OTHER = 'other';
// Share of events that fail in a projection.
const ERROR_SHARE = 0.002;
const VIEW_TYPE = 'read_model';

/** The Prometheus metrics of one node; traffic of tenants is simulated from their rates, HTTP figures are real. */
export class NodeMetrics {
  readonly #node: NodeState;
  readonly #registry = new Registry();
  readonly #requests: Counter<'path' | 'method' | 'status'>;
  readonly #durations: Histogram<'path' | 'method' | 'status'>;
  readonly #clock: () => number;
  #ranking: { at: number; tenants: string[] } = { at: Number.NEGATIVE_INFINITY, tenants: [] };

  constructor(node: NodeState, clock: () => number) {
    this.#node = node;
    this.#clock = clock;
    const { kind, environment, version, git_sha } = node.spec;
    const registers = [this.#registry];
    this.#registry.setDefaultLabels({ service: kind, env: environment });
    new Gauge({
      name: `${kind}_build_info`,
      help: 'Version that runs; always 1.',
      labelNames: ['version', 'git_sha'],
      registers,
    }).set({ version, git_sha }, 1);
    const labelNames = ['path', 'method', 'status'] as const;
    this.#requests = new Counter({
      name: 'http_requests_total',
      help: 'HTTP requests by route template.',
      labelNames,
      registers,
    });
    this.#durations = new Histogram({
      name: 'http_request_duration_seconds',
      help: 'Time to answer an HTTP request, by route template.',
      labelNames,
      buckets: [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5],
      registers,
    });
    this.#addNodeGauges(registers);
    this.#addTenantMetrics(registers);
  }

  /** Counts one answered request; `path` is the route template. */
  observeRequest(path: string, method: string, status: number, seconds: number): void {
    const labels = { path, method, status: String(status) };
    this.#requests.inc(labels);
    this.#durations.observe(labels, seconds);
  }

  /** Prometheus text. */
  async text(): Promise<{ contentType: string; body: string }> {
    return { contentType: this.#registry.contentType, body: await this.#registry.metrics() };
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

  #addTenantMetrics(registers: Registry[]): void {
    const { kind } = this.#node.spec;
    if (kind === 'aggregate') this.#addInFlightCommands(registers);
    if (kind === 'gateway') {
      this.#addTenantCounter(
        'gateway_tenant_requests_total',
        'Requests of tenants.',
        { status_class: '2xx' },
        1,
        registers,
      );
    }
    if (kind === 'projection') {
      const labels = { view_type: VIEW_TYPE };
      this.#addTenantCounter('projection_events_processed_total', 'Events processed.', labels, 1, registers);
      const help = 'Events that could not be processed.';
      this.#addTenantCounter('projection_processing_errors_total', help, labels, ERROR_SHARE, registers);
    }
  }

  #addInFlightCommands(registers: Registry[]): void {
    const node = this.#node;
    const topTenants = (): string[] => this.#topTenants();
    new Gauge({
      name: 'aggregate_in_flight_commands',
      help: 'Commands in flight by tenant; the largest tenants, the rest as other.',
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
        this.set({ tenant_id: OTHER }, Math.max(0, rest));
      },
    });
  }

  /** A counter that grows with `share` of each tenant's rate; what it grows by goes to the label the tenant has at the time. */
  #addTenantCounter(
    name: string,
    help: string,
    labels: Record<string, string>,
    share: number,
    registers: Registry[],
  ): void {
    const node = this.#node;
    const clock = this.#clock;
    const topTenants = (): string[] => this.#topTenants();
    let collectedAt = clock();
    let shown = new Set<string>();
    new Counter({
      name,
      help: `${help} The largest tenants, the rest as other.`,
      labelNames: ['tenant_id', ...Object.keys(labels)],
      registers,
      collect() {
        const now = clock();
        const seconds = Math.max(0, now - collectedAt) / 1_000;
        collectedAt = now;
        const top = new Set(topTenants());
        // A tenant that fell out of the ranking loses its series; otherwise they would pile up.
        for (const tenant_id of shown) if (!top.has(tenant_id)) this.remove({ tenant_id, ...labels });
        shown = top;
        let rest = node.requestRate();
        for (const tenant_id of top) {
          const rate = node.tenantRate(tenant_id);
          rest -= rate;
          this.inc({ tenant_id, ...labels }, rate * share * seconds);
        }
        this.inc({ tenant_id: OTHER, ...labels }, Math.max(0, rest) * share * seconds);
      },
    });
  }

  #topTenants(): string[] {
    const now = this.#clock();
    if (now - this.#ranking.at >= RANKING_MS)
      this.#ranking = { at: now, tenants: this.#node.largestTenants(TOP_TENANTS) };
    return this.#ranking.tenants;
  }
}

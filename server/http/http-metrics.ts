/** The control plane's own metrics (Prometheus text). Names and labels here are what dashboards and alerts rely on. */
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type pg from 'pg';
import manifest from '../../package.json' with { type: 'json' };

export interface HttpMetrics {
  contentType: string;
  registry: Registry;
  observe(method: string, route: string, status: number, seconds: number): void;
  text(): Promise<string>;
}

/** Request counts and durations by route template, process figures, and the build. Register further metrics on `registry`. */
export function createHttpMetrics(gitSha: string): HttpMetrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const requests = new Counter({
    name: 'control_http_requests_total',
    help: 'HTTP requests by route template',
    labelNames: ['method', 'route', 'status'],
    registers: [registry],
  });
  const durations = new Histogram({
    name: 'control_http_request_duration_seconds',
    help: 'Time to answer by route template',
    labelNames: ['method', 'route'],
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5],
    registers: [registry],
  });
  new Gauge({
    name: 'control_build_info',
    help: 'Always 1; the labels say what runs',
    labelNames: ['service', 'version', 'git_sha'],
    registers: [registry],
  }).set({ service: 'control', version: manifest.version, git_sha: gitSha }, 1);
  return {
    contentType: registry.contentType,
    registry,
    observe(method, route, status, seconds) {
      requests.inc({ method, route, status });
      durations.observe({ method, route }, seconds);
    },
    text: () => registry.metrics(),
  };
}

/** Counts ended jobs; `error_code="drain_timeout"` and its like are what alerts watch. */
export function countEndedJobs(
  registry: Registry,
): (kind: string, state: string, errorCode: string | null) => void {
  const ended = new Counter({
    name: 'control_jobs_ended_total',
    help: 'Jobs that ended in this process, by kind, state and what went wrong',
    labelNames: ['kind', 'state', 'error_code'],
    registers: [registry],
  });
  return (kind, state, errorCode) => ended.inc({ kind, state, error_code: errorCode ?? '' });
}

/** Connections of the pool, and the jobs that are not over, by kind and state, counted at each scrape. */
export function registerDatabaseMetrics(registry: Registry, pool: pg.Pool): void {
  new Gauge({
    name: 'control_database_connections',
    help: 'Connections of the pool by state',
    labelNames: ['state'],
    registers: [registry],
    collect() {
      this.set({ state: 'idle' }, pool.idleCount);
      this.set({ state: 'busy' }, pool.totalCount - pool.idleCount);
      this.set({ state: 'waiting' }, pool.waitingCount);
    },
  });
  new Gauge({
    name: 'control_jobs',
    help: 'Jobs that are not over, by kind and state',
    labelNames: ['kind', 'state'],
    registers: [registry],
    async collect() {
      const { rows } = await pool.query<{ kind: string; state: string; count: number }>(
        "select kind, state, count(*) as count from jobs where state in ('queued', 'running', 'undoing', 'stuck') group by 1, 2",
      );
      this.reset();
      for (const { kind, state, count } of rows) this.set({ kind, state }, count);
    },
  });
}

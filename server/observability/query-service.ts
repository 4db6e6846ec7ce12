/** Runs the named queries, which are all that can be run. */
import {
  QUERY_LIMITS,
  type NamedQuery,
  type QueryResult,
  type runQuery as runQueryEndpoint,
} from '#contract/observability.ts';
import type { QueryOf } from '#contract/endpoint.ts';
import { allowedScopes, principalOf, type CallContext } from '#server/http/call-context.ts';
import type { LogSource } from './log-source.ts';
import type { MetricSource } from './metric-source.ts';
import {
  invalidQuery,
  notConfigured,
  observedEnvironment,
  upstreamFailed,
  type ObservabilityDependencies,
  type ObservedEnvironment,
} from './observability-settings.ts';
import { fillExpression, narrowingProblems, rangeOf, type QueryRange } from './query-rules.ts';
import { boundedSeries, boundedTable, lineShown, onGrid } from './series-rules.ts';
import { NAMED_QUERIES, queryNamed } from './stack-registry.ts';

type RunRequest = QueryOf<typeof runQueryEndpoint>;
type Content = Pick<QueryResult, 'series' | 'lines' | 'dropped'>;

/** The queries that the caller can run somewhere: who may see single tenants only runs those that a tenant narrows. */
export async function listQueries(context: CallContext): Promise<{ items: NamedQuery[] }> {
  const scopes = allowedScopes(principalOf(context), 'observability.view');
  const wholeEnvironments = scopes.all || scopes.scopes.some(({ tenant_id }) => tenant_id === null);
  const items = NAMED_QUERIES.filter(
    ({ required, optional }) => wholeEnvironments || [...required, ...optional].includes('tenant_id'),
  );
  return { items };
}

/**
 * Runs a named query. A caller who may see one tenant has to name it (the endpoint's scope), and a query that a tenant cannot narrow is
 * refused then: so nobody reads another tenant's figures.
 */
export async function runQuery(
  dependencies: ObservabilityDependencies,
  name: string,
  { environment, service, tenant_id, node_id, from, to, step_s }: RunRequest,
  signal: AbortSignal,
): Promise<QueryResult> {
  const query = queryNamed(name);
  const observed = observedEnvironment(dependencies, environment);
  const narrowing = { service, tenant_id, node_id };
  const range = rangeOf({ from, to, step_s }, Date.now());
  const problems = [...narrowingProblems(query, narrowing), ...('field' in range ? [range] : [])];
  if (problems.length > 0 || 'field' in range) throw invalidQuery(problems);
  const expression = fillExpression(query, { ...narrowing, environment, step_s: range.step_s });
  const source = sourceOf(query, observed);
  const began = performance.now();
  const content = await ask(query, source, expression, range, signal).catch((error: unknown) => {
    throw upstreamFailed(error, 'A shorter range or a longer step asks for less.');
  });
  return {
    name,
    shape: query.shape,
    unit: query.unit,
    from: new Date(range.from_s * 1000).toISOString(),
    to: new Date(range.to_s * 1000).toISOString(),
    step_s: range.step_s,
    ...content,
    answer: {
      source: source.source,
      answered_at: new Date().toISOString(),
      took_ms: Math.round(performance.now() - began),
    },
  };
}

/** Throws `not_configured`. */
function sourceOf(
  { language }: NamedQuery,
  { environment, metrics, logs }: ObservedEnvironment,
): MetricSource | LogSource {
  if (language === 'promql') {
    if (metrics !== null) return metrics;
    throw notConfigured(environment, 'metrics', 'metrics server');
  }
  if (logs !== null) return logs;
  throw notConfigured(environment, 'logs', 'log server');
}

async function ask(
  { name, shape }: NamedQuery,
  source: MetricSource | LogSource,
  expression: string,
  range: QueryRange,
  signal: AbortSignal,
): Promise<Content> {
  if (shape === 'series') {
    const series = await source.queryRange(expression, range, { signal });
    const aligned = series.map(({ labels, points }) => ({ labels, points: onGrid(points, range) }));
    return { ...boundedSeries(aligned), lines: [] };
  }
  if (shape === 'table') {
    return { ...boundedTable(await source.query(expression, range.to_s, { signal })), lines: [] };
  }
  if (!('lines' in source)) throw new Error(`${name} asks a metrics server for lines.`);
  // One more than is shown tells that there are more.
  const limit = QUERY_LIMITS.most_lines + 1;
  const lines = await source.lines(expression, { ...range, limit }, { signal });
  const shown = lines.slice(0, QUERY_LIMITS.most_lines).map(lineShown);
  return { series: [], lines: shown, dropped: lines.length - shown.length };
}

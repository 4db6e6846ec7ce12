/** What `stack/` generates for the control plane: the named queries and the dashboards. A file that does not fit stops the start. */
import { Type } from 'typebox';
import { Compile } from 'typebox/compile';
import { Dashboard, NamedQuery } from '#contract/observability.ts';
import { notFound } from '#server/http/control-error.ts';
import dashboards from '#stack/generated/dashboards.json' with { type: 'json' };
import queries from '#stack/generated/queries.json' with { type: 'json' };

export type RegisteredDashboard = Omit<Dashboard, 'url'>;

/** In triage order. */
export const DASHBOARDS: readonly RegisteredDashboard[] = Compile(
  Type.Array(Type.Omit(Dashboard, ['url'])),
).Parse(dashboards);

export const NAMED_QUERIES: readonly NamedQuery[] = Compile(Type.Array(NamedQuery)).Parse(queries);

/** Throws `not_found`. */
export function queryNamed(name: string): NamedQuery {
  const query = NAMED_QUERIES.find((each) => each.name === name);
  if (query) return query;
  throw notFound('query', name);
}

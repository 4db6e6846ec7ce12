/** Asks for a list while its page's code is still on the way. */
import type { QueryClient } from '@tanstack/react-query';
import { DEFAULT_LIMIT } from '#contract/common.ts';
import type { Endpoint } from '#contract/endpoint.ts';
import { endpointQuery } from '#ui/api/queries.ts';
import { environmentToStartWith } from './environment.tsx';
import { manyValues, oneValue, type AppSearch } from './search-params.ts';

/** How long a page waits to be drawn with its rows; after that it is drawn with skeletons. Shorter than a person notices. */
const GRACE_MS = 150;

/** The query that the list page makes of this address: the endpoint's parameters that it names, the environment, the default sort. */
export function listQueryOf(
  endpoint: Endpoint,
  search: AppSearch,
  defaultSort: string,
): Record<string, unknown> {
  const { properties = {} } = (endpoint.query ?? {}) as { properties?: Record<string, { type?: string }> };
  const query: Record<string, unknown> = { limit: DEFAULT_LIMIT };
  if ('environment' in properties) query['environment'] = environmentToStartWith(search);
  query['sort'] = defaultSort;
  for (const [name, { type }] of Object.entries(properties)) {
    const values = manyValues(search[name]);
    if (values.length > 0) query[name] = type === 'array' ? values : oneValue(values);
  }
  return query;
}

/** Route loader of a list page that asks for nothing but what its address and the environment say. A failure is the page's to show. */
export const listLoader =
  (endpoint: Endpoint, defaultSort: string) =>
  async ({
    context: { queryClient },
    location: { search },
  }: {
    context: { queryClient: QueryClient };
    location: { search: AppSearch };
  }): Promise<void> => {
    const query = endpointQuery(endpoint, { query: listQueryOf(endpoint, search, defaultSort) } as never);
    const patience = new Promise((resolve) => setTimeout(resolve, GRACE_MS));
    const rows = queryClient.query(query).catch(() => undefined);
    await Promise.race([rows, patience]);
  };

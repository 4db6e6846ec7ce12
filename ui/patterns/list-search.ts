/** The state of a list as the URL holds it: search text, filters, sort and cursor. Anything that changes the set goes back to the first page. */
import { useNavigate, useRouterState, useSearch } from '@tanstack/react-router';
import { useMemo } from 'react';
import { manyValues, oneValue, type AppSearch, type SearchValue } from '#ui/app/search-params.ts';
import { askable } from './list-search-rules.ts';

interface FilterBase {
  /** Name of the query parameter, in the URL and of the endpoint. */
  name: string;
  label: string;
}
/** A filter of a list. `one` and `many` choose out of options, `text` and `time` are typed. */
export type ListFilter =
  | (FilterBase & { type: 'one' | 'many'; options: readonly FilterOption[]; loading?: boolean })
  | (FilterBase & {
      type: 'text';
      placeholder?: string;
      /** What the endpoint takes; anything less is still being typed and is not asked. */
      whole?: RegExp;
    })
  | (FilterBase & { type: 'time' });
export interface FilterOption {
  value: string;
  label: string;
  /** Drawn in place of the label. */
  render?: React.ReactNode;
}

export interface ListSearch {
  q: string;
  sort: string | undefined;
  cursor: string | undefined;
  /** Cursors of the pages before this one; null stands for the first page. */
  before: readonly (string | null)[];
  values: Record<string, string[]>;
  filtered: boolean;
  /** The query parameters that the endpoint takes. */
  query: Record<string, string | string[]>;
  /** Labels of the filters that are left out of it, because they are still being typed. */
  incomplete: readonly string[];
  setText: (name: string, value: string) => void;
  setFilter: (name: string, values: string[]) => void;
  setSort: (sort: string) => void;
  clear: () => void;
  next: (cursor: string) => void;
  previous: () => void;
}

export function useListSearch(filters: readonly ListFilter[], defaultSort: string | undefined): ListSearch {
  const search: AppSearch = useSearch({ strict: false });
  const cursors = useRouterState({ select: ({ location }) => location.state.cursors });
  const navigate = useNavigate();
  return useMemo(() => {
    const before = cursors ?? [];
    const q = oneValue(search['q']) ?? '';
    const sort = oneValue(search['sort']) ?? defaultSort;
    const cursor = oneValue(search['cursor']);
    const values = Object.fromEntries(filters.map(({ name }) => [name, manyValues(search[name])]));
    const { query, incomplete } = askable(filters, values);
    if (q !== '') query['q'] = q;
    if (sort !== undefined) query['sort'] = sort;
    if (cursor !== undefined) query['cursor'] = cursor;
    const change = (changes: Record<string, SearchValue>, replace = false) =>
      void navigate({
        to: '.',
        search: (old) => ({ ...old, cursor: undefined, ...changes }),
        state: { cursors: [] },
        replace,
      });
    const empty = Object.fromEntries(
      ['q', ...filters.map(({ name }) => name)].map((name) => [name, undefined]),
    );
    return {
      q,
      sort,
      cursor,
      before,
      values,
      filtered: q !== '' || Object.values(values).some((chosen) => chosen.length > 0),
      query,
      incomplete,
      // A text that is being typed makes no history.
      setText: (name, value) => change({ [name]: value === '' ? undefined : value }, true),
      setFilter: (name, chosen) => change({ [name]: chosen.length === 0 ? undefined : chosen }),
      setSort: (next) => change({ sort: next === defaultSort ? undefined : next }),
      clear: () => change(empty),
      next: (after) =>
        void navigate({
          to: '.',
          search: (old) => ({ ...old, cursor: after }),
          state: { cursors: [...before, cursor ?? null] },
        }),
      previous: () =>
        void navigate({
          to: '.',
          search: (old) => ({ ...old, cursor: before.at(-1) ?? undefined }),
          state: { cursors: before.slice(0, -1) },
        }),
    };
  }, [search, cursors, filters, defaultSort, navigate]);
}

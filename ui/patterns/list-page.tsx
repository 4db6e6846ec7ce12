/**
 * The list page: search, filters, sort and cursor in the URL, rows by the server, selection with bulk actions, and an honest word for
 * every other case: loading, empty, nothing found, failed.
 */
import { ActionIcon, Button, Tooltip } from '@mantine/core';
import { IconChevronLeft, IconChevronRight, IconRefresh } from '@tabler/icons-react';
import type { RowSelectionState } from '@tanstack/react-table';
import { useCallback, useMemo, useState } from 'react';
import { DEFAULT_LIMIT, type Page } from '#contract/common.ts';
import type { Endpoint, QueryOf, ResponseOf } from '#contract/endpoint.ts';
import { useEndpoint } from '#ui/api/queries.ts';
import type { Action } from './action-menu.tsx';
import { useNow } from './clock.ts';
import { DataTable, type Column, type RowLink } from './data-table.tsx';
import { EmptyState } from './empty-state.tsx';
import { FilterBar } from './filter-bar.tsx';
import { formatAgo, formatTotal } from './format.ts';
import classes from './list-page.module.css';
import { useListSearch, type ListFilter } from './list-search.ts';
import { PageHeader } from './page-header.tsx';
import { ProblemAlert } from './problem-alert.tsx';

/** The row of a list endpoint. */
export type RowOf<E> = ResponseOf<E> extends { items: (infer Row)[] } ? Row : never;

// What a list takes depends on its endpoint, which is open here; the props have checked it.
const useList = useEndpoint as unknown as (
  endpoint: Endpoint,
  input: { query: Record<string, unknown> },
  options: { refetchInterval?: number },
) => ReturnType<typeof useEndpoint<Endpoint>>;

export interface ListPageProps<E extends Endpoint, Row extends object = RowOf<E> & object> {
  /** Left out inside a tab, whose page has a title already. */
  title?: string;
  noun: { one: string; many: string };
  endpoint: E;
  /** What the list always asks for; filters of the person come on top. */
  query?: Partial<QueryOf<E>>;
  columns: readonly Column<Row>[];
  rowId: (row: Row) => string;
  rowLink?: (row: Row) => RowLink | null;
  /** In place of `rowLink`: opens the row beside the list. */
  onOpen?: (row: Row) => void;
  rowActions?: (row: Row) => readonly Action[];
  filters?: readonly ListFilter[];
  /** Placeholder of the search box; the endpoint takes `q` when there is one. */
  search?: string;
  defaultSort?: string;
  /** Stands at the right of the title. */
  primary?: React.ReactNode;
  /** Actions on the selected rows; makes rows selectable. */
  bulk?: (rows: readonly Row[], clear: () => void) => React.ReactNode;
  /** Said when there is nothing at all: why, and the next step. */
  empty: { title: string; hint?: React.ReactNode; action?: React.ReactNode };
  /** Stands beside the total: where and when the rows were observed. */
  facts?: (data: ResponseOf<E>) => React.ReactNode;
  refetchInterval?: number;
  /** Stands between filters and table. */
  children?: React.ReactNode;
}

const NO_FILTERS: readonly ListFilter[] = [];
const NO_ROWS: readonly never[] = [];
const NONE_SELECTED: ReadonlyMap<string, never> = new Map<string, never>();
const SKELETON_ROWS = 14;

export function ListPage<E extends Endpoint>({
  title,
  noun,
  endpoint,
  query,
  columns,
  rowId,
  rowLink,
  onOpen,
  rowActions,
  filters = NO_FILTERS,
  search: searchPlaceholder,
  defaultSort,
  primary,
  bulk,
  empty,
  facts,
  refetchInterval,
  children,
}: ListPageProps<E>) {
  type Row = RowOf<E> & object;
  const search = useListSearch(filters, defaultSort);
  const input = { query: { limit: DEFAULT_LIMIT, ...query, ...search.query } };
  const options = refetchInterval === undefined ? {} : { refetchInterval };
  const { data, error, isFetching, isPlaceholderData, dataUpdatedAt, refetch } = useList(
    endpoint,
    input,
    options,
  );
  const page = data as Page<Row> | undefined;
  const rows = page?.items ?? NO_ROWS;

  // A selection belongs to the set that it was made in: another search or filter may not hold its rows.
  const set = JSON.stringify([query, search.q, search.values]);
  const [kept, setKept] = useState<{ set: string; rows: ReadonlyMap<string, Row> }>({ set, rows: new Map() });
  const selected = kept.set === set ? kept.rows : NONE_SELECTED;
  const clearSelection = useCallback(() => setKept({ set, rows: new Map() }), [set]);
  const selection = useMemo(
    () =>
      bulk && {
        ids: Object.fromEntries([...selected.keys()].map((id) => [id, true as const])),
        onChange: (ids: RowSelectionState) => {
          const known = new Map([...selected, ...rows.map((row) => [rowId(row), row] as const)]);
          setKept({ set, rows: new Map([...known].filter(([id]) => ids[id])) });
        },
      },
    [bulk, selected, rows, rowId, set],
  );
  const first = search.before.length * DEFAULT_LIMIT + 1;
  const paged = search.cursor !== undefined || Boolean(page?.next_cursor);
  const nothing = page !== undefined && rows.length === 0;

  return (
    <div className={classes.page} data-embedded={title === undefined || undefined}>
      {title !== undefined && <PageHeader title={title}>{primary}</PageHeader>}
      <FilterBar filters={filters} search={search} searchPlaceholder={searchPlaceholder}>
        {page && (
          <>
            <span className={classes.total}>{formatTotal(page.total, noun)}</span>
            {facts ? <>· {facts(data as ResponseOf<E>)}</> : <Age at={dataUpdatedAt} />}
          </>
        )}
        <Tooltip label="Refresh">
          <ActionIcon size={28} aria-label="Refresh" onClick={() => void refetch()}>
            <IconRefresh size={15} className={isFetching ? classes.busy : undefined} />
          </ActionIcon>
        </Tooltip>
        {title === undefined && primary}
      </FilterBar>
      {search.incomplete.length > 0 && <Incomplete labels={search.incomplete} />}
      {children}
      {error && page && (
        <ProblemAlert error={error} tone="attention" onRetry={() => void refetch()}>
          <p>What you see below is the last answer.</p>
        </ProblemAlert>
      )}
      {error && !page ? (
        <ProblemAlert error={error} onRetry={() => void refetch()} />
      ) : (
        <DataTable<Row>
          label={title ?? noun.many}
          columns={columns}
          rows={rows}
          rowId={rowId}
          rowLink={rowLink}
          onOpen={onOpen}
          rowActions={rowActions}
          selection={selection}
          sort={{ value: search.sort, onChange: search.setSort }}
          skeleton={page === undefined ? SKELETON_ROWS : undefined}
          dimmed={error !== null || isPlaceholderData}
          empty={
            nothing &&
            (search.filtered || search.cursor !== undefined ? (
              <EmptyState
                title={`No ${noun.one} matches`}
                hint="Nothing fits the search and filters together. Fewer of them will show more."
              >
                <Button variant="default" onClick={search.clear}>
                  Clear search and filters
                </Button>
              </EmptyState>
            ) : (
              <EmptyState title={empty.title} hint={empty.hint}>
                {empty.action}
              </EmptyState>
            ))
          }
        />
      )}
      <div className={classes.footer}>
        {selected.size > 0 && bulk ? (
          <div className={classes.bulk} role="toolbar" aria-label="Actions on the selected rows">
            <span>{selected.size} selected</span>
            {bulk([...selected.values()], clearSelection)}
            <Button variant="subtle" color="gray" size="compact-sm" onClick={clearSelection}>
              Clear selection
            </Button>
          </div>
        ) : (
          <span className={classes.range}>
            {paged &&
              rows.length > 0 &&
              (search.cursor !== undefined && search.before.length === 0
                ? `${rows.length} rows`
                : `${first.toLocaleString('en-US')}–${(first + rows.length - 1).toLocaleString('en-US')}`)}
          </span>
        )}
        {paged && (
          <nav className={classes.paging} aria-label="Pages">
            <Button
              variant="default"
              size="compact-sm"
              leftSection={<IconChevronLeft size={14} />}
              disabled={search.cursor === undefined}
              onClick={search.previous}
            >
              {search.cursor !== undefined && search.before.length === 0 ? 'First page' : 'Previous'}
            </Button>
            <Button
              variant="default"
              size="compact-sm"
              rightSection={<IconChevronRight size={14} />}
              disabled={!page?.next_cursor || isPlaceholderData}
              onClick={() => page?.next_cursor && search.next(page.next_cursor)}
            >
              Next
            </Button>
          </nav>
        )}
      </div>
    </div>
  );
}

/** Which filters wait for the rest of what is typed. */
export const Incomplete = ({ labels }: { labels: readonly string[] }) => (
  <p className={classes.incomplete} role="status">
    Not filtered by {labels.join(' and ').toLowerCase()} yet: type or paste the whole of it.
  </p>
);

/** How old the rows are. */
function Age({ at }: { at: number }) {
  const now = useNow();
  return <span>· {formatAgo(at, Math.max(at, now))}</span>;
}

/** A list that an outside system answers whole: filters in the URL, and an honest word for missing, loading, empty and failed. */
import { useMemo } from 'react';
import type { Answer } from '#contract/observability.ts';
import { DataTable, type Column, type RowLink } from '#ui/patterns/data-table.tsx';
import { EmptyState } from '#ui/patterns/empty-state.tsx';
import { FilterBar } from '#ui/patterns/filter-bar.tsx';
import { plural } from '#ui/patterns/format.ts';
import { useListSearch, type ListFilter } from '#ui/patterns/list-search.ts';
import { ProblemAlert } from '#ui/patterns/problem-alert.tsx';
import { AnswerAge } from './answer-age.tsx';
import { matches } from './local-list.ts';
import { isMissing, MissingPart } from './missing-part.tsx';
import classes from './observability-page.module.css';
import { ALERTS_REFETCH_MS, type PartStatus } from './observability-queries.ts';

export interface SourceListProps<Row extends object> {
  noun: { one: string; many: string };
  environment: string;
  part: PartStatus | undefined;
  read: {
    data: { items: readonly Row[]; dropped: number; answer: Answer } | undefined;
    error: Error | null;
    refetch: () => unknown;
  };
  filters: readonly ListFilter[];
  searchPlaceholder: string;
  /** What the filters compare, by their names, and what the search looks into. */
  fields: (row: Row) => Record<string, string | null>;
  text: (row: Row) => readonly (string | null)[];
  order: (a: Row, b: Row) => number;
  columns: readonly Column<Row>[];
  rowId: (row: Row) => string;
  rowLink?: (row: Row) => RowLink | null;
  empty: { title: string; hint: string };
}

const SKELETON_ROWS = 6;

export function SourceList<Row extends object>({
  noun,
  environment,
  part,
  read: { data, error, refetch },
  filters,
  searchPlaceholder,
  fields,
  text,
  order,
  columns,
  rowId,
  rowLink,
  empty,
}: SourceListProps<Row>) {
  const search = useListSearch(filters, undefined);
  const rows = useMemo(
    () => data?.items.filter((row) => matches(fields(row), text(row), search)).toSorted(order) ?? [],
    [data, fields, text, order, search],
  );
  if (isMissing(part)) return <MissingPart part={part} environment={environment} />;
  return (
    <div className={classes.list}>
      <FilterBar filters={filters} search={search} searchPlaceholder={searchPlaceholder}>
        {data && (
          <>
            {plural(rows.length, noun.one, noun.many)} ·{' '}
            <AnswerAge answers={[data.answer]} every_ms={ALERTS_REFETCH_MS} />
          </>
        )}
      </FilterBar>
      {error && (
        <ProblemAlert error={error} tone={data ? 'attention' : 'failing'} onRetry={() => void refetch()}>
          {data && <p>What you see below is the last answer.</p>}
        </ProblemAlert>
      )}
      {!(error && !data) && (
        <DataTable
          label={noun.many}
          columns={columns}
          rows={rows}
          rowId={rowId}
          rowLink={rowLink}
          skeleton={data ? undefined : SKELETON_ROWS}
          dimmed={error !== null}
          empty={
            search.filtered && data && data.items.length > 0 ? (
              <EmptyState title={`No ${noun.one} fits`} hint="Clear the filters to see all." />
            ) : (
              <EmptyState title={empty.title} hint={empty.hint} />
            )
          }
        />
      )}
      {data && data.dropped > 0 && (
        <p className={classes.dropped}>{plural(data.dropped, noun.one, noun.many)} more than can be shown.</p>
      )}
    </div>
  );
}

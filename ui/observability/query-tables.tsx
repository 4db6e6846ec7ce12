/** Named queries whose answer is one figure for each of many: the top tenants, the slowest routes. */
import { useMemo } from 'react';
import { listQueries, type NamedQuery, type QueryResult, type QueryUnit } from '#contract/observability.ts';
import { useEndpoint } from '#ui/api/queries.ts';
import { DataTable, type Column } from '#ui/patterns/data-table.tsx';
import { EmptyState } from '#ui/patterns/empty-state.tsx';
import { Unknown } from '#ui/patterns/figure.tsx';
import { Hint } from '#ui/patterns/hint.tsx';
import { Panel } from '#ui/patterns/panel.tsx';
import { ProblemAlert } from '#ui/patterns/problem-alert.tsx';
import { AnswerAge } from './answer-age.tsx';
import { seriesNames, suits, type About } from './chart-rules.ts';
import { formatMeasure } from './measure.ts';
import { REGISTRY_STALE_MS, useQueryRuns, type QueryRun } from './observability-queries.ts';
import classes from './query-tables.module.css';
import { RANGES, type Range } from './time-range.ts';

interface Entry {
  name: string;
  value: number | null;
  tenant_id: string | undefined;
}

/** Greatest first. */
const entriesOf = (result: QueryResult, fallback: string): Entry[] => {
  const names = seriesNames(result.series, fallback);
  return result.series
    .map(({ labels, points }, index) => ({
      name: names[index] as string,
      value: points.at(-1)?.[1] ?? null,
      tenant_id: labels['tenant_id'],
    }))
    .toSorted((a, b) => (b.value ?? -1) - (a.value ?? -1));
};

/** Series that stand for all tenants beyond the sampled ones are nobody's page. */
const OTHER = 'other';

export function QueryTables({
  language,
  about,
  range,
}: {
  language: NamedQuery['language'];
  about: About;
  range: Range;
}) {
  const { data, error, refetch } = useEndpoint(listQueries, {}, { staleTime: REGISTRY_STALE_MS });
  const queries = useMemo(
    () =>
      data?.items.filter(
        (query) => query.shape === 'table' && query.language === language && suits(query, about),
      ) ?? [],
    [data, language, about],
  );
  const runs = useQueryRuns(queries, about, range);
  if (error && !data) return <ProblemAlert error={error} onRetry={() => void refetch()} />;
  if (data && queries.length === 0)
    return language === 'promql' ? (
      <p className={classes.none}>
        What is kept of it is all above: requests of a tenant are not told apart by route.
      </p>
    ) : null;
  return (
    <div className={classes.grid}>
      {runs.map((run) => (
        <QueryTable key={run.query.name} run={run} environment={about.environment} range={range} />
      ))}
    </div>
  );
}

const columnsOf = (unit: QueryUnit): Column<Entry>[] => [
  { id: 'name', header: 'Of', grow: true, cell: ({ name }) => name },
  {
    id: 'value',
    header: 'Figure',
    align: 'right',
    width: 96,
    cell: ({ value }) =>
      value === null ? <Unknown why="It has no figure now" /> : formatMeasure(value, unit),
  },
];

function QueryTable({
  run: { query, result, error, outdated, retry },
  environment,
  range,
}: {
  run: QueryRun;
  environment: string;
  range: Range;
}) {
  const rows = useMemo(() => (result ? entriesOf(result, query.title) : []), [result, query.title]);
  const columns = useMemo(() => columnsOf(query.unit), [query.unit]);
  return (
    <Panel
      flush
      title={
        <Hint label={query.description}>
          <span>{query.title}</span>
        </Hint>
      }
      actions={result && <AnswerAge answers={[result.answer]} />}
    >
      {error && <ProblemAlert error={error} tone={result ? 'attention' : 'failing'} onRetry={retry} />}
      {!(error && !result) && (
        <DataTable
          plain
          label={query.title}
          columns={columns}
          rows={rows}
          rowId={({ name }) => name}
          rowLink={({ tenant_id }) =>
            tenant_id === undefined || tenant_id === OTHER
              ? null
              : {
                  to: '/tenants/$tenant_id/observability',
                  params: { tenant_id },
                  search: { env: environment },
                }
          }
          skeleton={result ? undefined : 5}
          dimmed={outdated || error !== null}
          empty={<EmptyState compact title={`Nothing in ${RANGES[range].words}`} />}
        />
      )}
    </Panel>
  );
}

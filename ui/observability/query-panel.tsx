/** One figure over time: the chart, and under it the same as a table that needs neither eyes nor colour. */
import { IconChartLine } from '@tabler/icons-react';
import { lazy, Suspense, useMemo } from 'react';
import type { QueryUnit } from '#contract/observability.ts';
import { useNow } from '#ui/patterns/clock.ts';
import { EmptyState } from '#ui/patterns/empty-state.tsx';
import { Unknown } from '#ui/patterns/figure.tsx';
import { formatAgo, plural } from '#ui/patterns/format.ts';
import { Hint } from '#ui/patterns/hint.tsx';
import { Panel } from '#ui/patterns/panel.tsx';
import { ProblemAlert } from '#ui/patterns/problem-alert.tsx';
import { chartData, lineFigures, type ChartData } from './chart-rules.ts';
import type { LineLook } from './line-look.ts';
import { LineSample } from './line-sample.tsx';
import type { Marker } from './markers.ts';
import { formatMeasure, UNIT_WORDS } from './measure.ts';
import type { QueryRun } from './observability-queries.ts';
import classes from './query-panel.module.css';

const TimeChart = lazy(async () => ({ default: (await import('./time-chart.tsx')).TimeChart }));

const Bone = () => <div className={classes.bone} role="status" aria-busy aria-label="Loading" />;

export function QueryPanel({
  run: { query, result, error, outdated, retry },
  from,
  to,
  look,
  markers,
}: {
  run: QueryRun;
  from: number;
  to: number;
  look: (name: string) => LineLook;
  markers: readonly Marker[];
}) {
  const { title, description, unit } = query;
  const data = useMemo(() => result && chartData(result, title), [result, title]);
  return (
    <Panel
      title={
        <>
          <Hint label={description}>
            <span>{title}</span>
          </Hint>
          {UNIT_WORDS[unit] && <span className={classes.unit}>{UNIT_WORDS[unit]}</span>}
        </>
      }
    >
      {error && (
        <div className={classes.problem}>
          <ProblemAlert error={error} tone={result ? 'attention' : 'failing'} onRetry={retry}>
            {result && <LastAnswer at={result.answer.answered_at} />}
          </ProblemAlert>
        </div>
      )}
      {!(error && !data) && (
        <div className={classes.figures} data-dimmed={outdated || error !== null || undefined}>
          {!data ? (
            <div className={classes.plot}>
              <Bone />
            </div>
          ) : data.rows.length === 0 ? (
            <div className={classes.plot}>
              <EmptyState
                compact
                icon={<IconChartLine size={22} stroke={1.5} />}
                title="No data in this range"
                hint="Nothing that is measured answers to it: it had no traffic, or it is not scraped."
              />
            </div>
          ) : (
            <>
              <div className={classes.plot}>
                <Suspense fallback={<Bone />}>
                  <TimeChart
                    label={`${title}, the figures stand in the table below`}
                    data={data}
                    unit={unit}
                    from={from}
                    to={to}
                    look={look}
                    markers={markers}
                  />
                </Suspense>
              </div>
              <FigureTable title={title} data={data} unit={unit} look={look} />
            </>
          )}
        </div>
      )}
      {result && result.dropped > 0 && (
        <p className={classes.dropped}>
          {plural(result.dropped, 'more line', 'more lines')} than can be shown: narrow it by tenant or
          service.
        </p>
      )}
    </Panel>
  );
}

function LastAnswer({ at }: { at: string }) {
  const now = useNow();
  return <p>What you see below was answered {formatAgo(Date.parse(at), now)}.</p>;
}

function FigureTable({
  title,
  data: { lines, rows },
  unit,
  look,
}: {
  title: string;
  data: ChartData;
  unit: QueryUnit;
  look: (name: string) => LineLook;
}) {
  const write = (value: number | null, missing: string) =>
    value === null ? <Unknown why={missing} /> : formatMeasure(value, unit);
  return (
    <div
      className={classes.scroll}
      // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- what scrolls has to be reached by keyboard
      tabIndex={lines.length > 4 ? 0 : -1}
      role="group"
      aria-label={`Figures of ${title}`}
    >
      <table className={classes.table} aria-label={title}>
        <thead>
          <tr>
            <th scope="col">{lines.length === 1 ? 'Line' : plural(lines.length, 'line')}</th>
            <th scope="col">Now</th>
            <th scope="col">Least</th>
            <th scope="col">Greatest</th>
          </tr>
        </thead>
        <tbody>
          {lines.map(({ key, name }) => {
            const { now, least, greatest } = lineFigures(rows, key);
            return (
              <tr key={key}>
                <th scope="row" title={name}>
                  <LineSample look={look(name)} />
                  <span>{name}</span>
                </th>
                <td>{write(now, 'There is no figure at the end of the range')}</td>
                <td>{write(least, 'There is no figure in the range')}</td>
                <td>{write(greatest, 'There is no figure in the range')}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}

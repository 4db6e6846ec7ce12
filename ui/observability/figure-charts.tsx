/** The charts of one thing: shared time axis and cursor, marks of what was changed, and what cannot be measured of it. */
import { Link } from '@tanstack/react-router';
import { useMemo, useState } from 'react';
import type { JobListItem } from '#contract/jobs.ts';
import { ProblemAlert } from '#ui/patterns/problem-alert.tsx';
import { RelativeTime } from '#ui/patterns/relative-time.tsx';
import { seriesNames, suits, type About } from './chart-rules.ts';
import classes from './figure-charts.module.css';
import { looksOf } from './line-look.ts';
import { markersOf, useChanges } from './markers.ts';
import { useNamedQueries, useQueryRuns } from './observability-queries.ts';
import { QueryPanel } from './query-panel.tsx';
import { RANGES, windowOf, type Range } from './time-range.ts';
import { AnswerAge } from './answer-age.tsx';

/** What tells first how something is. */
export const MAIN_CHARTS = [
  'request-rate',
  'error-ratio',
  'latency-p95',
  'consumer-lag',
  'saturation',
] as const;
const ALL_CHARTS = [...MAIN_CHARTS, 'throttled-ratio', 'storage-used', 'cpu-used', 'memory-used'] as const;

export interface FigureChartsProps {
  about: About;
  range: Range;
  /** Named queries to draw, in this order; each only where the metrics can be narrowed to what is asked about. */
  charts?: readonly string[];
  /** Which jobs are marked on the time axis, out of those of the environment, or of the tenant where there is one. */
  concerns?: (job: JobListItem) => boolean;
  /** Stands at the left above the charts. */
  children?: React.ReactNode;
}

const ANY = () => true;

export function FigureCharts({
  about,
  range,
  charts = ALL_CHARTS,
  concerns = ANY,
  children,
}: FigureChartsProps) {
  const { queries, error, refetch } = useNamedQueries(charts);
  const suiting = useMemo(() => queries?.filter((query) => suits(query, about)) ?? [], [queries, about]);
  const unmeasured = queries?.filter((query) => !suits(query, about)) ?? [];
  const runs = useQueryRuns(suiting, about, range);
  const jobs = useChanges(about.environment, about['tenant_id']);

  const [opened] = useState(Date.now);
  // One time axis: that of the newest answer, or of the chosen range as long as there is none.
  const latest = runs
    .flatMap(({ result, outdated }) => (result && !outdated ? result.to : []))
    .toSorted()
    .at(-1);
  const to = Date.parse(latest ?? windowOf(range, opened).to);
  const from = to - RANGES[range].seconds * 1000;
  const look = looksOf(
    runs.flatMap(({ query, result }) => (result ? seriesNames(result.series, query.title) : [])),
  );
  const markers = useMemo(() => markersOf(jobs, concerns, from, to), [jobs, concerns, from, to]);
  // One fault of the server is said once, not in every chart.
  const allFailed = runs.length > 0 && runs.every((run) => run.error !== null && !run.result);
  const answers = runs.flatMap(({ result }) => result?.answer ?? []);

  return (
    <>
      <div className={classes.bar}>
        {children}
        <AnswerAge answers={answers} />
      </div>
      {error && <ProblemAlert error={error} onRetry={() => void refetch()} />}
      {allFailed && (
        <ProblemAlert error={runs[0]?.error} onRetry={() => runs.forEach(({ retry }) => retry())} />
      )}
      {!allFailed && markers.length > 0 && (
        <ol className={classes.markers} aria-label={`Changes in ${RANGES[range].words}`}>
          {markers.map(({ number, job_id, title, at }) => (
            <li key={job_id}>
              <span className={classes.number}>{number}</span>
              <Link to="/jobs/$job_id" params={{ job_id }}>
                {title}
              </Link>
              <RelativeTime iso={new Date(at).toISOString()} />
            </li>
          ))}
        </ol>
      )}
      <div className={classes.grid}>
        {queries === undefined && !error
          ? charts.map((name) => (
              <div key={name} className={classes.bone} role="status" aria-busy aria-label="Loading" />
            ))
          : !allFailed &&
            runs.map((run) => (
              <QueryPanel key={run.query.name} run={run} from={from} to={to} look={look} markers={markers} />
            ))}
      </div>
      {unmeasured.length > 0 && (
        <p className={classes.unmeasured}>
          Not measured of {nounOf(about)}: {unmeasured.map(({ title }) => title.toLowerCase()).join(', ')}.
        </p>
      )}
    </>
  );
}

const nounOf = (about: About): string =>
  about['node_id'] !== undefined
    ? 'a single node'
    : about['tenant_id'] !== undefined
      ? 'a single tenant'
      : 'a single service';

/** How the traffic of each environment goes: the figure now, and its last hour. */
import { Button } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import type { EnvironmentSummary } from '#contract/scale.ts';
import { useMe, mayAnywhere } from '#ui/api/queries.ts';
import { describeError } from '#ui/api/errors.ts';
import { EnvironmentBadge } from '#ui/app/environment-badge.tsx';
import { joined } from '#ui/observability/chart-rules.ts';
import { formatMeasure } from '#ui/observability/measure.ts';
import { isMissing } from '#ui/observability/missing-part.tsx';
import {
  useNamedQueries,
  useObservability,
  useQueryRuns,
  type QueryRun,
} from '#ui/observability/observability-queries.ts';
import { SPARK_HEIGHT, SPARK_WIDTH, Sparkline } from '#ui/observability/sparkline.tsx';
import { Unknown } from '#ui/patterns/figure.tsx';
import { Hint } from '#ui/patterns/hint.tsx';
import { Panel } from '#ui/patterns/panel.tsx';
import { Quiet, QuietSkeleton } from './quiet.tsx';
import table from './platform-panel.module.css';
import classes from './traffic-panel.module.css';

/** The figures, and how those of all services become one of the environment: a sum of rates, the worst of all else. */
const FIGURES = [
  { name: 'request-rate', header: 'Requests', how: 'sum' },
  { name: 'error-ratio', header: 'Failed', how: 'greatest' },
  { name: 'latency-p95', header: 'p95', how: 'greatest' },
  { name: 'consumer-lag', header: 'Lag', how: 'greatest' },
] as const;
const NAMES = FIGURES.map(({ name }) => name);

export function TrafficPanel({ environments }: { environments: readonly EnvironmentSummary[] | undefined }) {
  const allowed = mayAnywhere(useMe().data, 'observability.view');
  const shown = allowed.allowed && environments !== undefined;
  return (
    <Panel
      title="How is traffic?"
      flush={shown}
      actions={
        allowed.allowed && (
          <Button
            variant="subtle"
            size="compact-sm"
            renderRoot={(props) => <Link {...props} to="/observability/triage" />}
          >
            Triage
          </Button>
        )
      }
    >
      {!allowed.allowed ? (
        <Quiet title="You may not see metrics">{allowed.reason}</Quiet>
      ) : environments === undefined ? (
        <QuietSkeleton />
      ) : (
        <div className={table.scroll}>
          <table className={table.table}>
            <thead>
              <tr>
                <th scope="col">Environment</th>
                {FIGURES.map(({ name, header }) => (
                  <th key={name} scope="col">
                    {header}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {environments.map(({ environment }) => (
                <TrafficRow key={environment} environment={environment} />
              ))}
            </tbody>
          </table>
        </div>
      )}
    </Panel>
  );
}

function TrafficRow({ environment }: { environment: string }) {
  const { allowed, status, part, asking } = useObservability(environment);
  const metrics = part('metrics');
  const { queries } = useNamedQueries(NAMES);
  const runs = useQueryRuns(metrics && !isMissing(metrics) ? (queries ?? []) : [], { environment }, '1h');
  return (
    <tr>
      <th scope="row">
        <Link
          to="/observability/triage"
          search={{ env: environment }}
          className={table.environment}
          aria-label={`Traffic of ${environment}`}
        >
          <EnvironmentBadge environment={environment} />
        </Link>
      </th>
      {!allowed.allowed ? (
        <Note>You may not see its metrics</Note>
      ) : status.error && !metrics ? (
        <Note>Not known: {describeError(status.error).title.toLowerCase()}</Note>
      ) : isMissing(metrics) ? (
        <Note>
          No metrics server is configured.{' '}
          <Link to="/observability/connections" search={{ env: environment }} className={classes.link}>
            How to connect one
          </Link>
        </Note>
      ) : (
        FIGURES.map(({ name, how }) => (
          <td key={name}>
            <TrafficFigure
              run={runs.find(({ query }) => query.name === name)}
              how={how}
              loading={asking || queries === undefined}
            />
          </td>
        ))
      )}
    </tr>
  );
}

const Note = ({ children }: { children: React.ReactNode }) => (
  <td colSpan={FIGURES.length} className={classes.note}>
    {children}
  </td>
);

function TrafficFigure({
  run,
  how,
  loading,
}: {
  run: QueryRun | undefined;
  how: 'sum' | 'greatest';
  loading: boolean;
}) {
  if (!run) return loading ? <Bone /> : <Unknown why="This control plane has no such query" />;
  const { result, error, query } = run;
  if (!result) return error ? <Unknown why={describeError(error).detail} /> : <Bone />;
  const points = joined(result.series, how);
  const now = points.at(-1)?.[1] ?? null;
  const figure =
    now === null ? (
      <Unknown
        why={points.length === 0 ? 'Nothing that is measured answers to it' : 'There is no figure now'}
      />
    ) : (
      formatMeasure(now, query.unit)
    );
  const why = how === 'sum' ? 'all services together' : 'the worst of its services';
  return (
    <Hint
      label={`${query.title}, ${why}, over the last hour. ${result.answer.source}${error ? `. The last reading failed: ${describeError(error).detail}` : ''}`}
    >
      <span className={classes.figure} data-stale={error !== null || undefined}>
        <span className={classes.now}>{figure}</span>
        <Sparkline values={points.map(([, value]) => value)} />
      </span>
    </Hint>
  );
}

const Bone = () => (
  <span
    className={classes.bone}
    style={{ width: SPARK_WIDTH, height: SPARK_HEIGHT / 2 }}
    role="status"
    aria-busy
    aria-label="Loading"
  />
);

import { Tooltip } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { useMemo } from 'react';
import type { Static } from 'typebox';
import type { Observation } from '#contract/common.ts';
import type { EnvironmentSummary, Node } from '#contract/scale.ts';
import type { Allowance } from '#ui/api/queries.ts';
import { EnvironmentBadge } from '#ui/app/environment-badge.tsx';
import { Figure, formatFigure, Unknown } from '#ui/patterns/figure.tsx';
import { isStale, ObservedAge } from '#ui/patterns/observed-age.tsx';
import { describeError } from '#ui/api/errors.ts';
import { Panel } from '#ui/patterns/panel.tsx';
import { environmentFigures, type Sum } from './overview-rules.ts';
import classes from './platform-panel.module.css';
import { Quiet, QuietSkeleton } from './quiet.tsx';

type NodeRow = Static<typeof Node>;
type EnvironmentRow = Static<typeof EnvironmentSummary>;

const FULL_RATIO = 0.85;

/** The load of each environment, as its nodes report it. */
export function PlatformPanel({
  environments,
  nodes,
  readAt,
  every_s,
  more,
  allowed,
  error,
}: {
  environments: readonly EnvironmentRow[] | undefined;
  nodes: readonly NodeRow[] | undefined;
  /** When the page read them, and how often it does. */
  readAt: number;
  every_s: number;
  /** There are more nodes than were read. */
  more: boolean;
  allowed: Allowance;
  error: Error | null;
}) {
  const figures = useMemo(
    () =>
      new Map(
        environments?.map(({ environment }) => [environment, environmentFigures(environment, nodes ?? [])]),
      ),
    [environments, nodes],
  );
  return (
    <Panel
      title="How is the platform?"
      flush={allowed.allowed && environments !== undefined && nodes !== undefined}
    >
      {!allowed.allowed ? (
        <Quiet title="You may not see nodes">{allowed.reason}</Quiet>
      ) : environments === undefined || nodes === undefined ? (
        error ? (
          <Quiet title="Not known">{describeError(error).title}</Quiet>
        ) : (
          <QuietSkeleton />
        )
      ) : (
        <div className={classes.scroll}>
          <table className={classes.table}>
            <thead>
              <tr>
                <th scope="col">Environment</th>
                <th scope="col">Nodes ready</th>
                <th scope="col">In flight</th>
                <th scope="col">
                  <Tooltip label="The greatest consumer lag of a node: messages that wait">
                    <span>Lag</span>
                  </Tooltip>
                </th>
                <th scope="col">Storage</th>
                <th scope="col">Observed</th>
              </tr>
            </thead>
            <tbody>
              {environments.map((environment) => {
                const own = figures.get(environment.environment);
                return (
                  own && (
                    <tr key={environment.environment}>
                      <th scope="row">
                        <Link
                          to="/scale/nodes"
                          search={{ env: environment.environment }}
                          className={classes.environment}
                          aria-label={`Nodes of ${environment.environment}`}
                        >
                          <EnvironmentBadge environment={environment.environment} />
                        </Link>
                      </th>
                      <td>
                        <Ready ready={environment.nodes.ready} total={environment.nodes.total} />
                      </td>
                      <td>
                        <SumFigure sum={own.inflight} />
                      </td>
                      <td>
                        {own.lag.value === null ? (
                          <Unknown why="No node reports a lag" />
                        ) : (
                          <Tooltip label={`Greatest on ${own.lag.node_id}`}>
                            <span>
                              <Figure value={own.lag.value} />
                            </span>
                          </Tooltip>
                        )}
                      </td>
                      <td>
                        <Storage storage={own.storage} />
                      </td>
                      <td>
                        <ObservedAge observation={asRead(environment.observation, readAt, every_s)} bare />
                      </td>
                    </tr>
                  )
                );
              })}
            </tbody>
          </table>
          {more && <p className={classes.more}>Figures are of the first {nodes.length} nodes.</p>}
        </div>
      )}
    </Panel>
  );
}

/** An observation that was fresh when it was read does not turn stale by the page's own pause until it reads again. */
const asRead = (observation: Observation, readAt: number, every_s: number): Observation =>
  isStale(observation, readAt)
    ? observation
    : { ...observation, interval_s: Math.max(observation.interval_s, every_s) };

function Ready({ ready, total }: { ready: number; total: number }) {
  if (total === 0) return <Unknown why="No node of this environment has been observed" />;
  return (
    <span className={classes.ready} data-short={ready < total || undefined}>
      {ready} of {total}
    </span>
  );
}

/** A sum over nodes; marked when not all of them have reported. */
function SumFigure({ sum: { value, known, of } }: { sum: Sum }) {
  if (value === null) return <Unknown why="No node reports it" />;
  if (known === of) return <Figure value={value} />;
  return (
    <Tooltip label={`Of ${known} of ${of} nodes; the others do not report it`}>
      <span>
        ≥ <Figure value={value} />
      </span>
    </Tooltip>
  );
}

function Storage({
  storage: { used, capacity, fullest },
}: {
  storage: ReturnType<typeof environmentFigures>['storage'];
}) {
  if (used.value === null || fullest === null || capacity === 0)
    return <Unknown why="No node reports its storage" />;
  const ratio = used.value / capacity;
  const full = fullest.ratio >= FULL_RATIO;
  return (
    <Tooltip
      label={`${formatFigure(used.value, 'bytes')} of ${formatFigure(capacity, 'bytes')}; fullest is ${fullest.node_id} with ${formatFigure(fullest.ratio, 'ratio')}`}
    >
      <span className={classes.storage} data-full={full || undefined}>
        <span className={classes.bar} aria-hidden>
          <span style={{ width: `${ratio * 100}%` }} />
        </span>
        <Figure value={ratio} unit="ratio" />
      </span>
    </Tooltip>
  );
}

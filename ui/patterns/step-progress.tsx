/** The live figures of a step. The server sends them as open JSON; what has none of the known shapes shows nothing. */
import { IconAlertTriangle, IconCircleCheck, IconCircleDashed } from '@tabler/icons-react';
import type { Check } from '#contract/jobs.ts';
import { CheckList } from './check-list.tsx';
import { formatCount, formatDuration, plural } from './format.ts';
import { LoadBar } from './load-bar.tsx';
import { Moves, Rollout } from './operation-progress.tsx';
import { readStepProgress, type DrainingNode, type StepNode } from './step-progress-rules.ts';
import classes from './step-progress.module.css';

/** `ended`: the step is over, so that only what is worth keeping is shown. */
export function StepProgress({ progress, ended }: { progress: unknown; ended: boolean }) {
  const read = readStepProgress(progress);
  switch (read?.kind) {
    case 'drain':
      return ended ? null : read.nodes.map((node) => <Drain key={node.node_id} node={node} />);
    case 'nodes':
      return <Nodes {...read} ended={ended} />;
    case 'checks':
      return <Checks checks={read.checks} />;
    case 'placed':
      return <p className={classes.facts}>placed on {read.shards.join(', ')}</p>;
    case 'waiting':
      return ended ? null : <p className={classes.trouble}>Waiting. {read.problem}</p>;
    case 'moves':
      return <Moves {...read} ended={ended} />;
    case 'rollout':
      return <Rollout {...read} ended={ended} />;
    case undefined:
      return null;
  }
}

function Drain({
  node: { node_id, inflight, inflight_at_start, consumer_lag, rate_per_s, eta_s, problem, drained },
}: {
  node: DrainingNode;
}) {
  if (inflight === null)
    return (
      <p className={classes.facts}>
        <span className={classes.node}>{node_id}</span>
        <span className={classes.problem}>{problem ?? 'has not said how much is in flight'}</span>
      </p>
    );
  const start = Math.max(inflight_at_start ?? inflight, inflight);
  return (
    <div className={classes.drain}>
      <LoadBar
        ratio={start === 0 ? 1 : 1 - inflight / start}
        tone="progress"
        label={`Drained on ${node_id}`}
      />
      <p className={classes.facts}>
        <span>
          {formatCount(inflight)} of {formatCount(start)} in flight left
        </span>
        {consumer_lag !== null && <span>lag {formatCount(consumer_lag)}</span>}
        {rate_per_s !== null && <span>{formatCount(rate_per_s)}/s</span>}
        <span>{drained ? 'drained' : eta_s !== null ? `ETA ${formatDuration(eta_s)}` : 'no ETA yet'}</span>
        <span className={classes.node}>{node_id}</span>
        {problem !== null && <span className={classes.problem}>{problem}</span>}
      </p>
    </div>
  );
}

function Nodes({
  nodes,
  verb,
  revision,
  ended,
}: {
  nodes: readonly StepNode[];
  verb: string;
  revision: number | null;
  ended: boolean;
}) {
  const done = nodes.filter((node) => node.done).length;
  const target = revision === null ? '' : ` revision ${revision}`;
  if (done === nodes.length && ended)
    return (
      <p className={classes.facts}>
        {plural(done, 'node')} {verb}
        {target}
      </p>
    );
  return (
    <div>
      <p className={classes.facts}>
        {done} of {plural(nodes.length, 'node')} {verb}
        {target}
      </p>
      <ul className={classes.nodes}>
        {nodes.map((node) => (
          <li
            key={node.node_id}
            data-done={node.done || undefined}
            data-problem={node.problem !== null || undefined}
          >
            {node.done ? (
              <IconCircleCheck size={14} aria-label={verb} role="img" />
            ) : node.problem !== null ? (
              <IconAlertTriangle size={14} aria-label="problem" role="img" />
            ) : (
              <IconCircleDashed size={14} aria-label="waiting" role="img" />
            )}
            <span className={classes.node}>{node.node_id}</span>
            {!node.done && node.problem !== null && (
              <span className={classes.problem} title={node.problem}>
                {node.problem}
              </span>
            )}
          </li>
        ))}
      </ul>
    </div>
  );
}

function Checks({ checks }: { checks: readonly Check[] }) {
  const failed = checks.filter(({ level }) => level !== 'ok');
  const passed = checks.length - failed.length;
  return (
    <>
      {passed > 0 && <p className={classes.facts}>{plural(passed, 'check')} passed</p>}
      {failed.length > 0 && <CheckList checks={failed} />}
    </>
  );
}

/** The live figures of a step. The server sends them as open JSON; what has none of the known shapes shows nothing. */
import { IconAlertTriangle, IconCircleCheck, IconCircleDashed } from '@tabler/icons-react';
import type { Check } from '#contract/jobs.ts';
import { CheckList } from './check-list.tsx';
import { formatCount, formatDuration, plural } from './format.ts';
import { LoadBar } from './load-bar.tsx';
import classes from './step-progress.module.css';

interface DrainProgress {
  inflight: number;
  inflight_at_start?: number | null;
  consumer_lag?: number | null;
  eta_s?: number | null;
  rate_per_s?: number | null;
  node_id?: string | null;
}
interface NodeProgress {
  node_id: string;
  placement_revision?: number | null;
  acknowledged?: boolean;
  reloaded?: boolean;
  problem?: string | null;
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isDrain = (progress: Record<string, unknown>): boolean => typeof progress['inflight'] === 'number';
const isNode = (value: unknown): value is NodeProgress =>
  isRecord(value) && typeof value['node_id'] === 'string';
const isCheck = (value: unknown): value is Check =>
  isRecord(value) && typeof value['message'] === 'string' && isRecord(value['subject']);

/** `ended`: the step is over, so that only what is worth keeping is shown. */
export function StepProgress({ progress, ended }: { progress: unknown; ended: boolean }) {
  if (!isRecord(progress)) return null;
  const { nodes, checks, revision } = progress;
  if (Array.isArray(nodes) && nodes.every(isNode))
    return <Nodes nodes={nodes} revision={typeof revision === 'number' ? revision : null} ended={ended} />;
  if (Array.isArray(checks) && checks.every(isCheck)) return <Checks checks={checks} />;
  if (isDrain(progress) && !ended) return <Drain progress={progress as unknown as DrainProgress} />;
  return null;
}

function Drain({ progress }: { progress: DrainProgress }) {
  const { inflight, inflight_at_start, consumer_lag, eta_s, rate_per_s, node_id } = progress;
  const start = Math.max(inflight_at_start ?? inflight, inflight);
  return (
    <div className={classes.drain}>
      <LoadBar ratio={start === 0 ? 1 : 1 - inflight / start} tone="progress" label="Drained" />
      <p className={classes.facts}>
        <span>
          {formatCount(inflight)} of {formatCount(start)} in flight left
        </span>
        {typeof consumer_lag === 'number' && <span>lag {formatCount(consumer_lag)}</span>}
        {typeof rate_per_s === 'number' && <span>{formatCount(rate_per_s)}/s</span>}
        <span>
          {typeof eta_s === 'number' ? `ETA ${formatDuration(eta_s)}` : 'no ETA: it does not shrink'}
        </span>
        {node_id && <span className={classes.node}>{node_id}</span>}
      </p>
    </div>
  );
}

const isDone = (node: NodeProgress): boolean => node.acknowledged ?? node.reloaded ?? false;

function Nodes({
  nodes,
  revision,
  ended,
}: {
  nodes: readonly NodeProgress[];
  revision: number | null;
  ended: boolean;
}) {
  const done = nodes.filter(isDone).length;
  const verb = nodes.some(({ reloaded }) => reloaded !== undefined) ? 'reloaded' : 'acknowledged';
  const target = revision === null ? '' : ` revision ${revision}`;
  if (ended && done === nodes.length)
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
            data-done={isDone(node) || undefined}
            data-problem={node.problem ? true : undefined}
          >
            {isDone(node) ? (
              <IconCircleCheck size={14} aria-label={verb} role="img" />
            ) : node.problem ? (
              <IconAlertTriangle size={14} aria-label="problem" role="img" />
            ) : (
              <IconCircleDashed size={14} aria-label="waiting" role="img" />
            )}
            <span className={classes.node}>{node.node_id}</span>
            {!isDone(node) && typeof node.placement_revision === 'number' && (
              <span className={classes.quiet}>at {node.placement_revision}</span>
            )}
            {node.problem && <span className={classes.problem}>{node.problem}</span>}
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

/** The live figures of a rebalance and of a rollout. */
import { Link } from '@tanstack/react-router';
import { formatCount, formatDuration, plural } from './format.ts';
import { LoadBar } from './load-bar.tsx';
import type { MovesProgress, RolloutProgress } from './step-progress-rules.ts';
import classes from './step-progress.module.css';

const SHOWN = 8;

function JobLink({ job_id, children }: { job_id: string | null; children: React.ReactNode }) {
  if (job_id === null) return <span className={classes.node}>{children}</span>;
  return (
    <Link to="/jobs/$job_id" params={{ job_id }} className={`${classes.node} ${classes.link}`}>
      {children}
    </Link>
  );
}

/** How many tenants have moved, which ones are on their way, which ones failed and why. */
export function Moves({
  total,
  moved,
  left,
  in_flight,
  failed,
  eta_s,
  ended,
}: MovesProgress & { ended: boolean }) {
  const rest = in_flight.length - SHOWN;
  return (
    <div className={classes.drain}>
      <LoadBar
        ratio={total === 0 ? 1 : moved / total}
        tone={ended ? 'well' : 'progress'}
        label="Tenants that have moved"
      />
      <p className={classes.facts}>
        <span>
          {formatCount(moved)} of {plural(total, 'tenant')} moved
        </span>
        {in_flight.length > 0 && <span>{formatCount(in_flight.length)} on the way</span>}
        {left > 0 && <span>{formatCount(left)} not begun</span>}
        {eta_s !== null && in_flight.length + left > 0 && <span>ETA {formatDuration(eta_s)}</span>}
      </p>
      {in_flight.length > 0 && (
        <ul className={classes.nodes}>
          {in_flight.slice(0, SHOWN).map(({ tenant_id, from, to, job_id }) => (
            <li key={tenant_id}>
              <JobLink job_id={job_id}>{tenant_id}</JobLink> {from} → {to}
            </li>
          ))}
          {rest > 0 && <li>and {formatCount(rest)} more</li>}
        </ul>
      )}
      {failed.map(({ tenant_id, job_id, problem }) => (
        <p key={tenant_id} className={classes.facts}>
          <JobLink job_id={job_id}>{tenant_id}</JobLink>
          <span className={classes.trouble}>{problem}</span>
        </p>
      ))}
    </div>
  );
}

/** How many tasks run what is wanted, for how long they have been healthy, and what holds the others up. */
export function Rollout({
  wanted,
  running,
  leaving,
  healthy_for_s,
  monitor_s,
  problems,
  ended,
}: RolloutProgress & { ended: boolean }) {
  const waits = !ended && running >= wanted && healthy_for_s !== null && monitor_s !== null;
  return (
    <div className={classes.drain}>
      <LoadBar
        ratio={wanted === 0 ? 1 : running / wanted}
        tone={ended ? 'well' : 'progress'}
        label="Tasks that run what is wanted"
      />
      <p className={classes.facts}>
        <span>
          {formatCount(running)} of {plural(wanted, 'task')} as wanted
        </span>
        {leaving > 0 && <span>{formatCount(leaving)} still to end</span>}
        {waits && (
          <span>
            healthy for {formatDuration(Math.min(healthy_for_s, monitor_s))} of {formatDuration(monitor_s)}
          </span>
        )}
      </p>
      {!ended &&
        problems.map(({ task_id, slot, text, failed }) => (
          <p key={task_id} className={classes.facts}>
            <span>{slot === null ? 'A task' : `Slot ${slot}`}</span>
            <span className={failed ? classes.failed : undefined}>{text}</span>
          </p>
        ))}
    </div>
  );
}

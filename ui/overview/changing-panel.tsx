import { Button } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import type { Static } from 'typebox';
import type { JobListItem } from '#contract/jobs.ts';
import type { Allowance } from '#ui/api/queries.ts';
import { describeError } from '#ui/api/errors.ts';
import { Panel } from '#ui/patterns/panel.tsx';
import { RelativeTime } from '#ui/patterns/relative-time.tsx';
import { StatusPill, Tag } from '#ui/patterns/status-pill.tsx';
import classes from './changing-panel.module.css';
import { Quiet, QuietSkeleton } from './quiet.tsx';

type JobRow = Static<typeof JobListItem>;

const SHOWN = 6;

/** The jobs that are at work, with how far they are. */
export function ChangingPanel({
  jobs,
  error,
  allowed,
}: {
  jobs: readonly JobRow[] | undefined;
  error: Error | null;
  allowed: Allowance;
}) {
  const moving = jobs?.filter(({ state }) => state !== 'stuck') ?? [];
  return (
    <Panel
      title={
        <>
          What is changing?
          {moving.length > 0 && (
            <Tag tone="progress">{moving.length === 1 ? '1 job' : `${moving.length} jobs`}</Tag>
          )}
        </>
      }
      actions={
        moving.length > SHOWN && (
          <Button
            variant="subtle"
            size="compact-sm"
            renderRoot={(props) => <Link {...props} to="/jobs" search={{ state: 'live' }} />}
          >
            All {moving.length}
          </Button>
        )
      }
    >
      {!allowed.allowed ? (
        <Quiet title="You may not see jobs">{allowed.reason}</Quiet>
      ) : jobs === undefined ? (
        error ? (
          <Quiet title="Not known">{describeError(error).title}</Quiet>
        ) : (
          <QuietSkeleton rows={2} />
        )
      ) : moving.length === 0 ? (
        <Quiet title="Nothing">No job is at work or waiting.</Quiet>
      ) : (
        <ul className={classes.jobs}>
          {moving.slice(0, SHOWN).map((job) => (
            <li key={job.job_id}>
              <JobLine job={job} />
            </li>
          ))}
        </ul>
      )}
    </Panel>
  );
}

function JobLine({ job }: { job: JobRow }) {
  const done = job.step_count > 0 ? job.steps_done / job.step_count : 0;
  return (
    <Link to="/jobs/$job_id" params={{ job_id: job.job_id }} className={classes.job}>
      <span className={classes.line}>
        <span className={classes.title}>{job.title}</span>
        <RelativeTime iso={job.started_at ?? job.created_at} />
      </span>
      <span
        className={classes.bar}
        data-state={job.state}
        role="progressbar"
        aria-label={`Steps of ${job.title}`}
        aria-valuemin={0}
        aria-valuemax={job.step_count}
        aria-valuenow={job.steps_done}
      >
        <span style={{ width: `${done * 100}%` }} />
      </span>
      <span className={classes.line}>
        <span className={classes.state}>
          <StatusPill of="job" status={job.state} />
          <span className={classes.step}>
            {job.cancel_requested_at && job.state !== 'undoing'
              ? 'stops before the next step'
              : job.current_step}
          </span>
        </span>
        <span className={classes.who}>{job.created_by}</span>
      </span>
    </Link>
  );
}

/** A job as it runs: the same in the plan dialog, which it follows, and on the job's own page. */
import { IconPlugConnectedX } from '@tabler/icons-react';
import type { Job } from '#contract/jobs.ts';
import classes from './job-progress.module.css';
import { JobSteps } from './step-list.tsx';

/**
 * The steps, and in one sentence what matters most about the job now. `connected` is false while it is polled; `hideStuck` leaves
 * out what a page says in a place of its own.
 */
export function JobProgress({
  job,
  connected,
  hideStuck = false,
}: {
  job: Job;
  connected: boolean;
  hideStuck?: boolean;
}) {
  return (
    <div className={classes.progress}>
      {!(hideStuck && job.stuck) && <JobSentence job={job} />}
      {!connected && job.finished_at === null && (
        <p className={classes.polling}>
          <IconPlugConnectedX size={14} aria-hidden /> The live stream is down; what you see is read every 2
          s.
        </p>
      )}
      <JobSteps steps={job.steps} />
    </div>
  );
}

function JobSentence({ job }: { job: Job }) {
  if (job.stuck)
    return (
      <p className={classes.sentence} data-tone="failing" role="alert">
        {job.stuck.sentence}
      </p>
    );
  if (job.cancel_requested_at !== null && (job.state === 'running' || job.state === 'queued'))
    return <p className={classes.sentence}>It stops before the next step, then undoes what was done.</p>;
  if (job.state === 'undoing')
    return (
      <p className={classes.sentence} data-tone="attention">
        {job.error?.message ?? 'What was done is being undone, in reverse order.'}
      </p>
    );
  if (job.error)
    return (
      <p className={classes.sentence} data-tone={job.state.startsWith('failed') ? 'failing' : undefined}>
        {job.error.message}
      </p>
    );
  if (job.state === 'cancelled_kept')
    return (
      <p className={classes.sentence}>It was stopped; what was done until then stays, as its plan said.</p>
    );
  return null;
}

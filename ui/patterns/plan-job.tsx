/** The job that a plan became, in the place where the plan was. */
import { Button, Tooltip } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { cancelJob, JOB_ACTIONS, type Job } from '#contract/jobs.ts';
import { useJobEvents } from '#ui/api/job-events.ts';
import { may, useChange, useMe } from '#ui/api/queries.ts';
import { firstReason, stateReason } from './action-menu.tsx';
import { GuardedButton } from './guarded-button.tsx';
import { JobProgress } from './job-progress.tsx';
import { MiddleTruncate } from './middle-truncate.tsx';
import classes from './plan-dialog.module.css';
import { PlanSkeleton } from './plan-parts.tsx';
import { ProblemAlert } from './problem-alert.tsx';
import { isReason, ReasonField } from './reason-field.tsx';
import { StatusPill } from './status-pill.tsx';

export function PlanJob({ job_id, onClose }: { job_id: string; onClose: () => void }) {
  const { job, connected, error } = useJobEvents(job_id);
  const [cancelling, setCancelling] = useState(false);
  return (
    <>
      <div className={classes.body}>
        {error && <ProblemAlert error={error} />}
        {job ? (
          <>
            <div className={classes.state}>
              <StatusPill of="job" status={job.state} soft />
              {job.reason !== null && <span className={classes.facts}>{job.reason}</span>}
            </div>
            <JobProgress job={job} connected={connected} />
          </>
        ) : (
          !error && <PlanSkeleton />
        )}
      </div>
      {cancelling && job ? (
        <CancelForm job={job} onDone={() => setCancelling(false)} />
      ) : (
        <footer className={classes.footer}>
          <span className={classes.facts}>
            Job <MiddleTruncate text={job_id} keep={4} label="Copy the job id" />
            <Link to="/jobs/$job_id" params={{ job_id }} onClick={onClose} className={classes.link}>
              Open the job
            </Link>
          </span>
          {job && <CancelButton job={job} onCancel={() => setCancelling(true)} />}
          <Tooltip label="The job goes on" disabled={!job || job.finished_at !== null}>
            <Button variant="default" onClick={onClose} autoFocus>
              Close
            </Button>
          </Tooltip>
        </footer>
      )}
    </>
  );
}

function CancelButton({ job, onCancel }: { job: Job; onCancel: () => void }) {
  const me = useMe();
  if (job.finished_at !== null) return null;
  const against = firstReason(
    may(me.data, 'jobs.cancel', { tenant_id: job.tenant_id, environment: job.environment }),
    stateReason(JOB_ACTIONS.cancel, job.state, 'job'),
    job.cancel_requested_at !== null && 'It was asked to stop already',
  );
  return (
    <GuardedButton variant="default" against={against} onClick={onCancel}>
      Cancel and undo
    </GuardedButton>
  );
}

/** In place of the footer, so that the steps stay in sight while one decides. */
function CancelForm({ job, onDone }: { job: Job; onDone: () => void }) {
  const [reason, setReason] = useState('');
  const cancel = useChange(cancelJob);
  const submit = (event: React.SubmitEvent) => {
    event.preventDefault();
    if (cancel.isPending || !isReason(reason)) return;
    cancel.mutate({ params: { job_id: job.job_id }, body: { reason: reason.trim() } }, { onSuccess: onDone });
  };
  return (
    <form onSubmit={submit} className={classes.cancel}>
      <ReasonField
        label="Why cancel and undo?"
        description="It stops before the next step, then undoes what was done, in reverse order. Kept in the audit log."
        placeholder=""
        value={reason}
        onChange={setReason}
        autoFocus
      />
      <ProblemAlert error={cancel.error} />
      <div className={classes.cancelButtons}>
        <Button variant="default" onClick={onDone} disabled={cancel.isPending}>
          Keep it running
        </Button>
        <Button type="submit" color="red" loading={cancel.isPending} disabled={!isReason(reason)}>
          Cancel and undo
        </Button>
      </div>
    </form>
  );
}

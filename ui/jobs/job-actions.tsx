/** Cancel, retry and skip: the same on the list and on the job's page. */
import { IconArrowBackUp, IconCopy, IconPlayerTrackNext, IconRefresh } from '@tabler/icons-react';
import { useCallback, useState } from 'react';
import {
  cancelJob,
  getJob,
  JOB_ACTIONS,
  retryJob,
  skipJob,
  type JobAction,
  type JobListItem,
} from '#contract/jobs.ts';
import { may, useChange, useMe } from '#ui/api/queries.ts';
import { firstReason, stateReason, type Action } from '#ui/patterns/action-menu.tsx';
import { ConfirmAction } from '#ui/patterns/confirm-action.tsx';

type ActionableJob = Pick<
  JobListItem,
  'job_id' | 'title' | 'state' | 'tenant_id' | 'environment' | 'cancel_requested_at'
>;

const STALE = [getJob];
const PERMISSION = { cancel: 'jobs.cancel', retry: 'jobs.resolve', skip: 'jobs.resolve' } as const;

/** Why an action is not possible on a job now; null when it is. */
export function useJobReason(): (job: ActionableJob, action: JobAction) => string | null {
  const { data: me } = useMe();
  return useCallback(
    (job, action) =>
      firstReason(
        may(me, PERMISSION[action], { tenant_id: job.tenant_id, environment: job.environment }),
        stateReason(JOB_ACTIONS[action], job.state, 'job'),
        action === 'cancel' && job.cancel_requested_at !== null && 'It was asked to stop already',
      ),
    [me],
  );
}

/** The dialog of an action on a job. */
export function JobActionDialog({
  job,
  action,
  onClose,
}: {
  job: ActionableJob;
  action: JobAction;
  onClose: () => void;
}) {
  const options = { invalidates: STALE };
  const cancel = useChange(cancelJob, options);
  const retry = useChange(retryJob, options);
  const skip = useChange(skipJob, options);
  const run = async ({ reason }: { reason: string | undefined }) => {
    const input = { params: { job_id: job.job_id }, body: { reason: reason ?? '' } };
    await { cancel, retry, skip }[action].mutateAsync(input);
  };
  const words = {
    cancel: {
      title: 'Cancel and undo',
      what: `“${job.title}” stops before its next step, then undoes what was done, in reverse order.`,
      verb: 'Cancel and undo',
      done: 'It stops before the next step',
    },
    retry: {
      title: 'Retry what is stuck',
      what: `“${job.title}” tries again what it is stuck at.`,
      verb: 'Retry',
      done: 'It tries again',
    },
    skip: {
      title: 'Skip and leave it half done',
      what: `“${job.title}” leaves what it is stuck at as it is and goes on. Somebody has to put it right by hand; the audit log keeps who decided that and why.`,
      verb: 'Skip it',
      done: 'It goes on without',
    },
  }[action];
  return (
    <ConfirmAction
      {...words}
      danger={action !== 'retry'}
      environment={job.environment}
      run={run}
      onClose={onClose}
    />
  );
}

export function useJobRowActions() {
  const reason = useJobReason();
  const [open, setOpen] = useState<{ job: ActionableJob; action: JobAction } | null>(null);
  const actionsFor = useCallback(
    (job: ActionableJob): readonly Action[] => [
      {
        label: 'Cancel and undo…',
        icon: IconArrowBackUp,
        onSelect: () => setOpen({ job, action: 'cancel' }),
        disabled: reason(job, 'cancel'),
      },
      {
        label: 'Retry…',
        icon: IconRefresh,
        onSelect: () => setOpen({ job, action: 'retry' }),
        disabled: reason(job, 'retry'),
      },
      {
        label: 'Skip…',
        icon: IconPlayerTrackNext,
        danger: true,
        onSelect: () => setOpen({ job, action: 'skip' }),
        disabled: reason(job, 'skip'),
      },
      {
        label: 'Copy the id',
        icon: IconCopy,
        divided: true,
        onSelect: () => void navigator.clipboard.writeText(job.job_id),
      },
    ],
    [reason],
  );
  const dialog = open && <JobActionDialog {...open} onClose={() => setOpen(null)} />;
  return { actionsFor, dialog };
}

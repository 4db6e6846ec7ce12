import { IconCheck, IconHourglass } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import classes from './text.module.css';
import { showToast } from './toaster.ts';

/** Says that something was done, and leads to the job that did it. */
export function toastDone(message: string, job_id?: string): void {
  showToast({
    message: (
      <>
        {message}
        {job_id && (
          <>
            {' · '}
            <Link to="/jobs/$job_id" params={{ job_id }} className={classes.link}>
              view job
            </Link>
          </>
        )}
      </>
    ),
    icon: <IconCheck size={16} />,
    color: 'var(--well-solid)',
    autoClose: 6_000,
  });
}

/** Says that nothing has happened yet because it needs approvals, and leads to the request. */
export function toastAsked(approval_id: string): void {
  showToast({
    message: (
      <>
        Asked for approval: nothing has changed yet ·{' '}
        <Link to="/approvals/$approval_id" params={{ approval_id }} className={classes.link}>
          view the request
        </Link>
      </>
    ),
    icon: <IconHourglass size={16} />,
    color: 'var(--progress)',
    autoClose: 10_000,
  });
}

import { IconAlertCircle, IconCheck } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import { describeError, isQuiet } from '#ui/api/errors.ts';
import { CopyButton } from './middle-truncate.tsx';
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

/** Says that something failed, for actions that have no place of their own to say it. */
export function toastProblem(error: unknown, what?: string): void {
  if (isQuiet(error)) return;
  const { title, detail, code, request_id } = describeError(error);
  showToast({
    title: what ?? title,
    message: (
      <>
        {what ? `${title}. ` : ''}
        {detail}{' '}
        <CopyButton
          text={[code, request_id].filter(Boolean).join(' · ')}
          label="Copy code and request id"
          always
        />
      </>
    ),
    icon: <IconAlertCircle size={16} />,
    color: 'var(--failing-solid)',
    autoClose: 12_000,
  });
}

/** What all pages share that are seen before one is signed in: the brand, and one card. */
import type { ReactNode } from 'react';
import { describeError, ProblemError, type ErrorDescription } from '#ui/api/errors.ts';
import { formatCountdown } from '#ui/patterns/format.ts';
import { CopyButton } from '#ui/patterns/middle-truncate.tsx';
import classes from './sign-in-page.module.css';

export function SignInFrame({
  title,
  children,
  help,
}: {
  title: string;
  children: ReactNode;
  help?: ReactNode;
}) {
  return (
    <main className={classes.page}>
      <title>{`${title} · Cloudlysis Control`}</title>
      <div className={classes.column}>
        <header className={classes.brand}>
          <img src="/favicon.svg" width={40} height={40} alt="" />
          <h1 className={classes.name}>Cloudlysis Control</h1>
          <p className={classes.what}>Tenants, placement and operations of your event-sourcing platform.</p>
        </header>
        <div className={classes.card}>{children}</div>
        {help && <div className={classes.help}>{help}</div>}
      </div>
    </main>
  );
}

/** What went wrong and what to do; live, so that a screen reader hears it. */
export function SignInError({ error, wait }: { error: unknown; wait: number | null }) {
  if (error === null) return null;
  const { title, detail, request_id } = words(error, wait);
  return (
    <div className={classes.error} role="alert">
      <p className={classes.errorTitle}>{title}</p>
      <p>{detail}</p>
      {request_id && (
        <p className={classes.small}>
          Request {request_id} <CopyButton text={request_id} label="Copy request id" always />
        </p>
      )}
    </div>
  );
}

function words(
  error: unknown,
  wait: number | null,
): Pick<ErrorDescription, 'title' | 'detail' | 'request_id'> {
  if (error instanceof ProblemError && error.code === 'invalid_credentials') {
    const { detail } = error.problem;
    return detail.startsWith('Email or password')
      ? {
          title: 'Email or password is wrong',
          detail: 'Check both and try again. A suspended user cannot sign in either.',
          request_id: null,
        }
      : { title: 'This did not work', detail, request_id: null };
  }
  if (error instanceof ProblemError && error.code === 'action_not_allowed')
    return { title: 'This way is closed to you', detail: error.problem.detail, request_id: null };
  if (error instanceof ProblemError && error.code === 'rate_limited')
    return wait === null
      ? { title: 'You can try again now', detail: 'There were too many attempts before.', request_id: null }
      : {
          title: 'Too many attempts',
          detail: `Signing in is held for this account or address. Try again in ${formatCountdown(wait)}.`,
          request_id: null,
        };
  return describeError(error);
}

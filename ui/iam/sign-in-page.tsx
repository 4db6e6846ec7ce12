import { Button, PasswordInput, TextInput } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { useRouter, useSearch } from '@tanstack/react-router';
import { IconInfoCircle } from '@tabler/icons-react';
import { useRef, useState, type SubmitEvent } from 'react';
import { login } from '#contract/iam.ts';
import { call } from '#ui/api/client.ts';
import { describeError, ProblemError, type ErrorDescription } from '#ui/api/errors.ts';
import { useRetryWait } from '#ui/api/retry-wait.ts';
import { safeReturnTo, type SignedOutWhy } from '#ui/api/session.ts';
import { formatCountdown } from '#ui/patterns/format.ts';
import { CopyButton } from '#ui/patterns/middle-truncate.tsx';
import classes from './sign-in-page.module.css';

const WHY: Record<SignedOutWhy, string> = {
  revoked: 'Your session was ended. Sign in to go on where you were.',
  expired: 'Your session has expired. Sign in to go on where you were.',
  signed_out: 'You are signed out.',
};

const isWhy = (value: unknown): value is SignedOutWhy =>
  typeof value === 'string' && Object.hasOwn(WHY, value);

export function SignInPage() {
  const { return_to, why } = useSearch({ strict: false });
  const router = useRouter();
  const queryClient = useQueryClient();
  const password = useRef<HTMLInputElement>(null);
  const [pending, setPending] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const wait = useRetryWait(error);

  // Uncontrolled on purpose: password managers fill fields without the events that a controlled input waits for.
  const submit = async (event: SubmitEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const text = (name: string) => {
      const value = form.get(name);
      return typeof value === 'string' ? value : '';
    };
    const body = { email: text('email').trim(), password: text('password') };
    setPending(true);
    setError(null);
    try {
      await call(login, { body });
      queryClient.clear();
      router.history.push(safeReturnTo(return_to, location.origin));
    } catch (failure) {
      setError(failure);
      setPending(false);
      password.current?.select();
    }
  };

  return (
    <main className={classes.page}>
      <title>Sign in · Cloudlysis Control</title>
      <div className={classes.column}>
        <header className={classes.brand}>
          <img src="/favicon.svg" width={40} height={40} alt="" />
          <h1 className={classes.name}>Cloudlysis Control</h1>
          <p className={classes.what}>Tenants, placement and operations of your event-sourcing platform.</p>
        </header>
        <form className={classes.card} onSubmit={submit}>
          {isWhy(why) && error === null && (
            <p className={classes.why} role="status">
              <IconInfoCircle size={16} aria-hidden />
              {WHY[why]}
            </p>
          )}
          <TextInput
            label="Email"
            name="email"
            type="email"
            autoComplete="username"
            inputMode="email"
            spellCheck={false}
            autoFocus
            required
            withAsterisk={false}
            size="md"
          />
          <PasswordInput
            ref={password}
            label="Password"
            name="password"
            autoComplete="current-password"
            required
            withAsterisk={false}
            size="md"
          />
          {error !== null && <SignInError error={error} wait={wait} />}
          <Button type="submit" size="md" loading={pending} disabled={wait !== null} fullWidth>
            Sign in
          </Button>
        </form>
        <p className={classes.help}>
          No access, or the password is lost? Ask an owner or security admin of this platform.
        </p>
      </div>
    </main>
  );
}

/** What went wrong and what to do; live, so that a screen reader hears it. */
function SignInError({ error, wait }: { error: unknown; wait: number | null }) {
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
  if (error instanceof ProblemError && error.code === 'invalid_credentials')
    return {
      title: 'Email or password is wrong',
      detail: 'Check both and try again. A suspended user cannot sign in either.',
      request_id: null,
    };
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

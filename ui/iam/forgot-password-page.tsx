import { Button, TextInput } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { useState, type SubmitEvent } from 'react';
import { getSignInOptions, requestPasswordReset } from '#contract/iam.ts';
import { call } from '#ui/api/client.ts';
import { useEndpoint } from '#ui/api/queries.ts';
import { useRetryWait } from '#ui/api/retry-wait.ts';
import { SignInError, SignInFrame } from './sign-in-frame.tsx';
import classes from './sign-in-page.module.css';

/** Asks for a link to choose a new password. What it says is the same whether or not there is such a user. */
export function ForgotPasswordPage() {
  const options = useEndpoint(getSignInOptions, {}, { staleTime: 60_000 }).data;
  const [email, setEmail] = useState('');
  const [sent, setSent] = useState(false);
  const [pending, setPending] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const wait = useRetryWait(error);
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    setPending(true);
    setError(null);
    try {
      await call(requestPasswordReset, { body: { email: email.trim() } });
      setSent(true);
    } catch (failure) {
      setError(failure);
    }
    setPending(false);
  };
  return (
    <SignInFrame title="Forgot your password" help={<Link to="/sign-in">Back to signing in</Link>}>
      <h2 className={classes.stepTitle}>Forgot your password?</h2>
      {sent ? (
        <p role="status">
          If {email.trim()} may sign in here, a link to choose a new password is on its way. It works for one
          hour.
        </p>
      ) : (
        <form className={classes.step} onSubmit={(event) => void submit(event)}>
          {options?.password_reset === false && (
            <p className={classes.why}>
              This control plane sends no mail: who runs it finds the link among its files. Or ask an owner to
              reset your password.
            </p>
          )}
          <TextInput
            label="Email"
            name="email"
            type="email"
            autoComplete="username"
            value={email}
            onChange={(event) => setEmail(event.currentTarget.value)}
            autoFocus
            required
            withAsterisk={false}
            size="md"
          />
          <SignInError error={error} wait={wait} />
          <Button
            type="submit"
            size="md"
            loading={pending}
            disabled={wait !== null || email.trim() === ''}
            fullWidth
          >
            Send the link
          </Button>
        </form>
      )}
    </SignInFrame>
  );
}

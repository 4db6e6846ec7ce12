/** Behind the links of invitations and password resets: choosing a password. The token is in the part that browsers send nowhere. */
import { Button } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { useEffect, useState, type SubmitEvent } from 'react';
import { inspectLink, redeemLink } from '#contract/iam.ts';
import type { ResponseOf } from '#contract/endpoint.ts';
import { call } from '#ui/api/client.ts';
import { fieldErrors } from '#ui/api/errors.ts';
import { RelativeTime } from '#ui/patterns/relative-time.tsx';
import { NewPasswordField } from './new-password-field.tsx';
import { newPasswordFault } from './password-rules.ts';
import { SignInError, SignInFrame } from './sign-in-frame.tsx';
import classes from './sign-in-page.module.css';

const WORDS = {
  invitation: { title: 'Accept your invitation', verb: 'Choose password and accept' },
  password_reset: { title: 'Choose a new password', verb: 'Choose password' },
};

export function ChoosePasswordPage() {
  const [token] = useState(() => location.hash.slice(1));
  const [link, setLink] = useState<ResponseOf<typeof inspectLink> | null>(null);
  const [password, setPassword] = useState('');
  const [pending, setPending] = useState(false);
  const [done, setDone] = useState(false);
  const [error, setError] = useState<unknown>(null);

  useEffect(() => {
    // Out of the address bar and the history: whoever looks at either later finds no link.
    history.replaceState(history.state, '', location.pathname);
    call(inspectLink, { body: { token } }).then(({ data }) => setLink(data), setError);
  }, [token]);

  // Another link opened in the same tab differs after the # only, for which no browser loads a page.
  useEffect(() => {
    const again = () => location.reload();
    addEventListener('hashchange', again);
    return () => removeEventListener('hashchange', again);
  }, []);

  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    setPending(true);
    setError(null);
    try {
      await call(redeemLink, { body: { token, new_password: password } });
      setDone(true);
    } catch (failure) {
      setError(failure);
      setPending(false);
    }
  };
  const refused = fieldErrors(error)['new_password'];
  const words = WORDS[link?.purpose ?? 'password_reset'];
  return (
    <SignInFrame title={words.title}>
      {done && (
        <div className={classes.step}>
          <h2 className={classes.stepTitle}>Your password is set</h2>
          <p>Sign in as {link?.email} with it.</p>
          <Button size="md" renderRoot={(props) => <Link {...props} to="/sign-in" />} fullWidth>
            Sign in
          </Button>
        </div>
      )}
      {!done && link && (
        <form className={classes.step} onSubmit={(event) => void submit(event)}>
          <h2 className={classes.stepTitle}>{words.title}</h2>
          <p>
            For {link.display_name}, {link.email}. The link expires <RelativeTime iso={link.expires_at} />.
          </p>
          <input type="text" name="username" autoComplete="username" value={link.email} readOnly hidden />
          <NewPasswordField
            label="New password"
            value={password}
            onChange={setPassword}
            error={refused}
            data-autofocus
          />
          {refused === undefined && <SignInError error={error} wait={null} />}
          <Button
            type="submit"
            size="md"
            loading={pending}
            disabled={newPasswordFault(password) !== null}
            fullWidth
          >
            {words.verb}
          </Button>
        </form>
      )}
      {!link && error === null && <p role="status">Reading the link …</p>}
      {!link && error !== null && (
        <>
          <SignInError error={error} wait={null} />
          <Button variant="default" renderRoot={(props) => <Link {...props} to="/sign-in" />} fullWidth>
            To the sign-in page
          </Button>
        </>
      )}
    </SignInFrame>
  );
}

/** The dialog that asks for the password before something of weight is done. The shell mounts it once. */
import { Button, Group, Modal, PasswordInput } from '@mantine/core';
import { IconShieldLock } from '@tabler/icons-react';
import { useEffect, useRef, useState, type SubmitEvent } from 'react';
import { getMySignInMethods } from '#contract/iam.ts';
import { formatCountdown } from '#ui/patterns/format.ts';
import { describeError, ProblemError, StepUpCancelledError } from './errors.ts';
import { passkeysSupported } from './passkeys.ts';
import { useEndpoint, useMe } from './queries.ts';
import { useRetryWait } from './retry-wait.ts';
import { registerStepUpPrompter, type StepUpAnswer, type StepUpChallenge } from './step-up.ts';
import classes from './step-up-prompt.module.css';

interface Asked {
  challenge: StepUpChallenge;
  settle: (error?: Error) => void;
}

/** Keeps the dialog beneath from closing on the Escape that closes this one (Mantine looks at the event's target). */
const OWN_ESCAPE = { 'data-mantine-stop-propagation': 'true' };

const minutes = (seconds: number) => `${Math.round(seconds / 60)} minutes`;

export function StepUpPrompt() {
  const [asked, setAsked] = useState<Asked | null>(null);
  const [opened, setOpened] = useState(false);

  useEffect(
    () =>
      registerStepUpPrompter(
        (challenge) =>
          new Promise((resolve, reject) => {
            setAsked({ challenge, settle: (error) => (error ? reject(error) : resolve()) });
            setOpened(true);
          }),
      ),
    [],
  );

  const close = (error?: Error) => {
    asked?.settle(error);
    setOpened(false);
  };
  const cancel = () => close(new StepUpCancelledError());
  return (
    <Modal
      opened={opened}
      onClose={cancel}
      onExitTransitionEnd={() => setAsked(null)}
      closeOnEscape={false}
      onKeyDown={(event) => event.key === 'Escape' && cancel()}
      withCloseButton={false}
      size={440}
      zIndex={400}
      title={
        <span className={classes.head}>
          <IconShieldLock className={classes.icon} size={20} aria-hidden />
          <span>
            <span className={classes.title}>Confirm that it is you</span>
            <span className={classes.action}>{asked?.challenge.endpoint.summary}</span>
          </span>
        </span>
      }
      padding={20}
      centered
    >
      {asked && <StepUpForm challenge={asked.challenge} onConfirmed={() => close()} onCancel={cancel} />}
    </Modal>
  );
}

function StepUpForm({
  challenge,
  onConfirmed,
  onCancel,
}: {
  challenge: StepUpChallenge;
  onConfirmed: () => void;
  onCancel: () => void;
}) {
  const signedIn = useMe();
  const input = useRef<HTMLInputElement>(null);
  const methods = useEndpoint(getMySignInMethods, {}, { staleTime: 60_000 }).data;
  const [way, setWay] = useState<'password' | 'totp'>('password');
  const [password, setPassword] = useState('');
  const [pending, setPending] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const wait = useRetryWait(error);

  const confirm = async (answer: StepUpAnswer) => {
    setPending(true);
    try {
      await challenge.confirm(answer);
      onConfirmed();
    } catch (failure) {
      setError(failure);
      setPassword('');
      setPending(false);
      input.current?.focus();
    }
  };
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    void confirm(way === 'totp' ? { totp_code: password } : { password });
  };
  const turn = (next: 'password' | 'totp') => () => {
    setWay(next);
    setPassword('');
    setError(null);
    input.current?.focus();
  };

  return (
    <form className={classes.form} onSubmit={submit}>
      <p className={classes.why}>
        {challenge.level === 'bound'
          ? 'This cannot be taken back easily, so it needs you to confirm this one request.'
          : `This needs you to have confirmed who you are within the last ${minutes(challenge.max_age ?? 300)}.`}
      </p>
      <input
        type="text"
        name="username"
        autoComplete="username"
        value={signedIn.data?.user.email ?? ''}
        readOnly
        hidden
      />
      <PasswordInput
        {...OWN_ESCAPE}
        ref={input}
        label={way === 'totp' ? 'Code of your authenticator app' : 'Your password'}
        name={way === 'totp' ? 'totp' : 'password'}
        autoComplete={way === 'totp' ? 'one-time-code' : 'current-password'}
        value={password}
        onChange={(event) => setPassword(event.currentTarget.value)}
        error={error === null ? null : stepUpError(error, wait, way)}
        visibilityToggleButtonProps={OWN_ESCAPE}
        data-autofocus
        required
        withAsterisk={false}
      />
      {methods && (methods.totp !== null || methods.passkeys.length > 0) && (
        <Group gap={8}>
          {methods.passkeys.length > 0 && passkeysSupported() && (
            <Button
              {...OWN_ESCAPE}
              variant="default"
              size="compact-sm"
              disabled={pending}
              onClick={() => void confirm({ passkey: true })}
            >
              Use a passkey
            </Button>
          )}
          {methods.totp !== null && (
            <Button
              {...OWN_ESCAPE}
              variant="default"
              size="compact-sm"
              disabled={pending}
              onClick={turn(way === 'totp' ? 'password' : 'totp')}
            >
              {way === 'totp' ? 'Use your password' : 'Use a code'}
            </Button>
          )}
        </Group>
      )}
      <Group justify="flex-end" gap={8} mt={4}>
        <Button {...OWN_ESCAPE} variant="default" onClick={onCancel}>
          Cancel
        </Button>
        <Button {...OWN_ESCAPE} type="submit" loading={pending} disabled={password === '' || wait !== null}>
          Confirm
        </Button>
      </Group>
    </form>
  );
}

function stepUpError(error: unknown, wait: number | null, way: 'password' | 'totp'): string {
  if (error instanceof ProblemError && error.code === 'invalid_credentials')
    return way === 'password' ? 'This is not your password.' : error.problem.detail;
  if (error instanceof ProblemError && error.code === 'rate_limited')
    return wait === null
      ? 'You can try again now.'
      : `Too many attempts. Try again in ${formatCountdown(wait)}.`;
  const { title, detail } = describeError(error);
  return `${title}. ${detail}`;
}

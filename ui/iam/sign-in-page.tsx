import { Button, PasswordInput, TextInput } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { Link, useRouter, useSearch } from '@tanstack/react-router';
import { IconFingerprint, IconInfoCircle } from '@tabler/icons-react';
import { lazy, Suspense, useRef, useState, type SubmitEvent } from 'react';
import {
  getSignInOptions,
  login,
  loginWithPasskey,
  startPasskeyLogin,
  startProviderLogin,
  type SignInStep,
} from '#contract/iam.ts';
import { call } from '#ui/api/client.ts';
import { askPasskey, passkeysSupported } from '#ui/api/passkeys.ts';
import { useEndpoint } from '#ui/api/queries.ts';
import { useRetryWait } from '#ui/api/retry-wait.ts';
import { safeReturnTo, type SignedOutWhy } from '#ui/api/session.ts';
import { rememberDeparture } from './provider-departure.ts';
import { SecondFactorStep } from './second-factor-step.tsx';
import { SignInError, SignInFrame } from './sign-in-frame.tsx';
import classes from './sign-in-page.module.css';

const EnrolmentStep = lazy(() =>
  import('./enrolment-step.tsx').then(({ EnrolmentStep: component }) => ({ default: component })),
);

const WHY: Record<SignedOutWhy, string> = {
  revoked: 'Your session was ended. Sign in to go on where you were.',
  expired: 'Your session has expired. Sign in to go on where you were.',
  signed_out: 'You are signed out.',
};

const isWhy = (value: unknown): value is SignedOutWhy =>
  typeof value === 'string' && Object.hasOwn(WHY, value);

export function SignInPage() {
  const { return_to, why } = useSearch({ strict: false });
  const goOn = useArrival(return_to);
  const [step, setStep] = useState<SignInStep | null>(null);
  const take = (next: SignInStep) => (next.next === 'done' ? goOn() : setStep(next));
  const restart = () => setStep(null);
  return (
    <SignInFrame
      title="Sign in"
      help={
        <p>
          <Link to="/forgot-password">Forgot your password?</Link> No access? Ask an owner or security admin
          of this platform.
        </p>
      }
    >
      {step === null && <FirstStep why={isWhy(why) ? WHY[why] : null} return_to={return_to} onDone={take} />}
      {step?.next === 'second_factor' && (
        <SecondFactorStep factors={step.second_factors} onDone={take} onRestart={restart} />
      )}
      {step?.next === 'enrolment' && (
        <Suspense fallback={<div aria-busy />}>
          <EnrolmentStep onDone={goOn} />
        </Suspense>
      )}
    </SignInFrame>
  );
}

/** Goes where the person was before, with nothing in memory of who was signed in then. */
export function useArrival(return_to: unknown): () => void {
  const router = useRouter();
  const queryClient = useQueryClient();
  return () => {
    queryClient.clear();
    router.history.push(safeReturnTo(return_to, location.origin));
  };
}

function FirstStep({
  why,
  return_to,
  onDone,
}: {
  why: string | null;
  return_to: unknown;
  onDone: (step: SignInStep) => void;
}) {
  const options = useEndpoint(getSignInOptions, {}, { staleTime: 60_000 }).data;
  const password = useRef<HTMLInputElement>(null);
  const [pending, setPending] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const wait = useRetryWait(error);

  const attempt = async (work: () => Promise<SignInStep | null>) => {
    setPending(true);
    setError(null);
    try {
      const step = await work();
      if (step) onDone(step);
    } catch (failure) {
      setError(failure);
      setPending(false);
      password.current?.select();
    }
  };
  // Uncontrolled on purpose: password managers fill fields without the events that a controlled input waits for.
  const submit = (event: SubmitEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const text = (name: string) => {
      const value = form.get(name);
      return typeof value === 'string' ? value : '';
    };
    const body = { email: text('email').trim(), password: text('password') };
    void attempt(async () => (await call(login, { body })).data);
  };
  const byPasskey = () =>
    attempt(async () => {
      const { data } = await call(startPasskeyLogin);
      return (await call(loginWithPasskey, { body: { passkey: await askPasskey(data.options) } })).data;
    });
  const atProvider = (provider_id: string) =>
    attempt(async () => {
      const { data } = await call(startProviderLogin, { body: { provider_id } });
      rememberDeparture({
        state: data.state,
        what: 'sign_in',
        return_to: safeReturnTo(return_to, location.origin),
      });
      location.assign(data.authorization_url);
      return null;
    });

  return (
    <form className={classes.step} onSubmit={submit}>
      {why !== null && error === null && (
        <p className={classes.why} role="status">
          <IconInfoCircle size={16} aria-hidden />
          {why}
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
      <SignInError error={error} wait={wait} />
      <Button type="submit" size="md" loading={pending} disabled={wait !== null} fullWidth>
        Sign in
      </Button>
      {passkeysSupported() && (
        <Button
          variant="default"
          size="md"
          leftSection={<IconFingerprint size={18} />}
          disabled={pending}
          onClick={() => void byPasskey()}
          fullWidth
        >
          Use a passkey
        </Button>
      )}
      {options?.providers.map(({ provider_id, title }) => (
        <Button
          key={provider_id}
          variant="default"
          size="md"
          disabled={pending}
          onClick={() => void atProvider(provider_id)}
          fullWidth
        >
          Continue with {title}
        </Button>
      ))}
    </form>
  );
}

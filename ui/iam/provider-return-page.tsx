/** Where an identity provider sends the browser back to. */
import { Button } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { useEffect, useRef, useState } from 'react';
import { linkIdentity, loginWithProvider, me, type SignInStep } from '#contract/iam.ts';
import { call } from '#ui/api/client.ts';
import { takeDeparture } from './provider-departure.ts';
import { SecondFactorStep } from './second-factor-step.tsx';
import { SignInError, SignInFrame } from './sign-in-frame.tsx';
import { useArrival } from './sign-in-page.tsx';
import { EnrolmentStep } from './enrolment-step.tsx';

export function ProviderReturnPage() {
  const [error, setError] = useState<unknown>(null);
  const [step, setStep] = useState<SignInStep | null>(null);
  const [returnTo, setReturnTo] = useState('/');
  const goOn = useArrival(returnTo);
  const arrived = useRef(false);

  useEffect(() => {
    // The answer of a provider counts once.
    if (arrived.current) return;
    arrived.current = true;
    const callback = location.search;
    const state = new URLSearchParams(callback).get('state');
    const departure = takeDeparture(state);
    history.replaceState(history.state, '', location.pathname);
    const arrive = async () => {
      if (departure === null)
        throw new Error('This sign-in was begun in another tab or long ago. Begin anew.');
      setReturnTo(departure.return_to);
      const body = { state: departure.state, callback };
      if (departure.what === 'link') {
        await call(me);
        await call(linkIdentity, { body });
        location.replace(departure.return_to);
        return;
      }
      const { data } = await call(loginWithProvider, { body });
      if (data.next === 'done') location.replace(departure.return_to);
      else setStep(data);
    };
    arrive().catch(setError);
  }, []);

  return (
    <SignInFrame title="Sign in">
      {step === null && error === null && <p role="status">Signing in …</p>}
      {step?.next === 'second_factor' && (
        <SecondFactorStep
          factors={step.second_factors}
          onDone={goOn}
          onRestart={() => location.assign('/sign-in')}
        />
      )}
      {step?.next === 'enrolment' && <EnrolmentStep onDone={goOn} />}
      {error !== null && (
        <>
          <SignInError error={error} wait={null} />
          <Button variant="default" renderRoot={(props) => <Link {...props} to="/sign-in" />}>
            To the sign-in page
          </Button>
        </>
      )}
    </SignInFrame>
  );
}

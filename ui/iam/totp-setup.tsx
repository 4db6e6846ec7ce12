/** Takes an authenticator app into use: its key as a QR code and as text, then its first code. */
import { Button, TextInput } from '@mantine/core';
import { useEffect, useRef, useState, type SubmitEvent } from 'react';
import { QRCodeSVG } from 'qrcode.react';
import { confirmTotpEnrolment, startTotpEnrolment } from '#contract/iam.ts';
import { call } from '#ui/api/client.ts';
import { isQuiet } from '#ui/api/errors.ts';
import { useRetryWait } from '#ui/api/retry-wait.ts';
import { ShownOnce } from './shown-once.tsx';
import { SignInError } from './sign-in-frame.tsx';
import classes from './sign-in-methods.module.css';

const inGroups = (secret: string) => secret.replace(/(.{4})(?=.)/g, '$1 ');

/** `onDone` gets the recovery codes that came with a first factor. `onGone` when the person would not confirm who they are. */
export function TotpSetup({
  onDone,
  onGone,
}: {
  onDone: (recovery_codes: readonly string[] | null) => void;
  onGone?: () => void;
}) {
  const [enrolment, setEnrolment] = useState<{ secret: string; uri: string } | null>(null);
  const [code, setCode] = useState('');
  const [pending, setPending] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const wait = useRetryWait(error);
  const begun = useRef(false);

  useEffect(() => {
    // A second run of the effect would replace the key that is shown.
    if (begun.current) return;
    begun.current = true;
    call(startTotpEnrolment).then(
      ({ data }) => setEnrolment(data.enrolment),
      (failure: unknown) => (isQuiet(failure) ? onGone?.() : setError(failure)),
    );
  }, [onGone]);

  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    setPending(true);
    setError(null);
    try {
      const { data } = await call(confirmTotpEnrolment, { body: { code: code.replace(/\s/g, '') } });
      onDone(data.recovery_codes);
    } catch (failure) {
      setError(failure);
      setPending(false);
    }
  };
  if (!enrolment)
    return error === null ? (
      <div className={classes.waiting} aria-busy />
    ) : (
      <SignInError error={error} wait={wait} />
    );
  return (
    <form className={classes.setup} onSubmit={(event) => void submit(event)}>
      <p>Scan this with an authenticator app, or type the key into it.</p>
      {/* Scanners need dark on light, in either theme. */}
      <div className={classes.qr}>
        <QRCodeSVG value={enrolment.uri} size={176} marginSize={2} title="QR code of the key" />
      </div>
      <ShownOnce label="Key" value={inGroups(enrolment.secret)} secret />
      <TextInput
        label="Code that the app shows"
        name="totp"
        autoComplete="one-time-code"
        inputMode="numeric"
        placeholder="123456"
        value={code}
        onChange={(event) => setCode(event.currentTarget.value)}
        required
        withAsterisk={false}
      />
      <SignInError error={error} wait={wait} />
      <Button
        type="submit"
        loading={pending}
        disabled={wait !== null || !/^\s*(\d\s*){6}$/.test(code)}
        fullWidth
      >
        Use this app
      </Button>
    </form>
  );
}

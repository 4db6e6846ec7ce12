/** A role demands a second factor and there is none yet: enrols one before anything opens. */
import { Button } from '@mantine/core';
import { IconDeviceMobile, IconFingerprint } from '@tabler/icons-react';
import { useState } from 'react';
import { passkeysSupported } from '#ui/api/passkeys.ts';
import { addPasskeyHere } from './add-passkey.ts';
import { RecoveryCodeList } from './recovery-code-list.tsx';
import { SignInError } from './sign-in-frame.tsx';
import classes from './sign-in-page.module.css';
import { TotpSetup } from './totp-setup.tsx';

export function EnrolmentStep({ onDone }: { onDone: () => void }) {
  const [way, setWay] = useState<'choose' | 'totp'>('choose');
  const [codes, setCodes] = useState<readonly string[] | null>(null);
  const [pending, setPending] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const enrolled = (recovery_codes: readonly string[] | null) =>
    recovery_codes === null ? onDone() : setCodes(recovery_codes);
  const byPasskey = async () => {
    setPending(true);
    setError(null);
    try {
      enrolled(await addPasskeyHere());
    } catch (failure) {
      setError(failure);
      setPending(false);
    }
  };
  if (codes)
    return (
      <div className={classes.step}>
        <h2 className={classes.stepTitle}>Keep your recovery codes</h2>
        <RecoveryCodeList codes={codes} />
        <Button size="md" onClick={onDone} fullWidth>
          I have kept them
        </Button>
      </div>
    );
  return (
    <div className={classes.step}>
      <h2 className={classes.stepTitle}>Your role demands a second factor</h2>
      {way === 'totp' ? (
        <TotpSetup onDone={enrolled} />
      ) : (
        <>
          <p>Choose what you confirm with, beside your password, from now on.</p>
          <SignInError error={error} wait={null} />
          {passkeysSupported() && (
            <Button
              size="md"
              leftSection={<IconFingerprint size={18} />}
              loading={pending}
              onClick={() => void byPasskey()}
              fullWidth
            >
              A passkey of this device
            </Button>
          )}
          <Button
            size="md"
            variant="default"
            leftSection={<IconDeviceMobile size={18} />}
            disabled={pending}
            onClick={() => setWay('totp')}
            fullWidth
          >
            An authenticator app
          </Button>
        </>
      )}
    </div>
  );
}

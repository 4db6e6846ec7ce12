/** The second step of signing in: a code, a passkey or a recovery code. */
import { Button, TextInput } from '@mantine/core';
import { IconFingerprint } from '@tabler/icons-react';
import { useRef, useState, type SubmitEvent } from 'react';
import { loginSecondFactor, startPasskeyProof, type SecondFactor, type SignInStep } from '#contract/iam.ts';
import { call } from '#ui/api/client.ts';
import { askPasskey, passkeysSupported } from '#ui/api/passkeys.ts';
import { useRetryWait } from '#ui/api/retry-wait.ts';
import { SignInError } from './sign-in-frame.tsx';
import classes from './sign-in-page.module.css';

const FIELDS = {
  totp: {
    label: 'Code of your authenticator app',
    name: 'totp',
    autoComplete: 'one-time-code',
    inputMode: 'numeric',
    placeholder: '123456',
  },
  recovery_code: {
    label: 'Recovery code',
    name: 'recovery-code',
    autoComplete: 'off',
    inputMode: 'text',
    placeholder: 'xxxx-xxxx-xxxx-xxxx-xxxx-xxxx',
  },
} as const;
type Typed = keyof typeof FIELDS;
const OTHER: Record<Typed, string> = {
  totp: 'Use your authenticator app',
  recovery_code: 'Use a recovery code',
};

export function SecondFactorStep({
  factors,
  onDone,
  onRestart,
}: {
  factors: readonly SecondFactor[];
  onDone: (step: SignInStep) => void;
  onRestart: () => void;
}) {
  const typed = factors.filter((factor): factor is Typed => factor !== 'passkey');
  const [way, setWay] = useState<Typed | null>(
    typed.includes('totp') ? 'totp' : factors.includes('passkey') ? null : (typed[0] ?? null),
  );
  const [value, setValue] = useState('');
  const [pending, setPending] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const input = useRef<HTMLInputElement>(null);
  const wait = useRetryWait(error);

  const answer = async (read: () => Promise<object>) => {
    setPending(true);
    setError(null);
    try {
      onDone((await call(loginSecondFactor, { body: await read() })).data);
    } catch (failure) {
      setError(failure);
      setPending(false);
      input.current?.select();
    }
  };
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    const given = value.trim();
    void answer(async () =>
      way === 'totp' ? { totp_code: given.replace(/\s/g, '') } : { recovery_code: given },
    );
  };
  const byPasskey = () =>
    answer(async () => ({ passkey: await askPasskey((await call(startPasskeyProof)).data.options) }));
  const turn = (next: Typed) => () => {
    setWay(next);
    setValue('');
    setError(null);
  };

  return (
    <form className={classes.step} onSubmit={submit}>
      <h2 className={classes.stepTitle}>Second step</h2>
      {way && (
        <TextInput
          key={way}
          ref={input}
          {...FIELDS[way]}
          value={value}
          onChange={(event) => setValue(event.currentTarget.value)}
          autoFocus
          required
          withAsterisk={false}
          spellCheck={false}
          size="md"
        />
      )}
      <SignInError error={error} wait={wait} />
      {way && (
        <Button
          type="submit"
          size="md"
          loading={pending}
          disabled={wait !== null || value.trim() === ''}
          fullWidth
        >
          Continue
        </Button>
      )}
      {factors.includes('passkey') && passkeysSupported() && (
        <Button
          variant={way === null ? 'filled' : 'default'}
          size="md"
          leftSection={<IconFingerprint size={18} />}
          disabled={pending}
          onClick={() => void byPasskey()}
          fullWidth
        >
          Use a passkey
        </Button>
      )}
      <div className={classes.others}>
        {typed
          .filter((factor) => factor !== way)
          .map((factor) => (
            <button key={factor} type="button" className={classes.link} onClick={turn(factor)}>
              {OTHER[factor]}
            </button>
          ))}
        <button type="button" className={classes.link} onClick={onRestart}>
          Sign in as somebody else
        </button>
      </div>
    </form>
  );
}

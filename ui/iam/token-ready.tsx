import type { ReactNode } from 'react';
import type { ApiToken } from '#contract/iam.ts';
import { exactTime } from '#ui/patterns/relative-time.tsx';
import { ResultDrawer } from './form-drawer.tsx';
import { ShownOnce } from './shown-once.tsx';
import classes from './token-ready.module.css';

/** The value of a new token, shown once. */
export function TokenReady({
  token,
  value,
  onClose,
  children,
}: {
  token: ApiToken;
  value: string | null;
  onClose: () => void;
  children?: ReactNode;
}) {
  return (
    <ResultDrawer title={`${token.name} is ready`} onClose={onClose}>
      {value === null ? (
        <p>
          The token was created, but the answer that held its value was lost. Nobody can read it again: rotate
          or revoke this token.
        </p>
      ) : (
        <>
          <p>Copy the token now and keep it where secrets belong. It is shown here and never again.</p>
          <ShownOnce label="Token" value={value} secret />
          <div>
            <p className={classes.label}>Try it</p>
            <pre className={classes.example}>
              {`curl -H 'Authorization: Bearer ${token.prefix}…' \\\n  ${location.origin}/admin/v1/iam/me`}
            </pre>
          </div>
        </>
      )}
      <p className={classes.quiet}>
        It acts as {token.user_email} and works until {exactTime(token.expires_at)}.
      </p>
      {children}
    </ResultDrawer>
  );
}

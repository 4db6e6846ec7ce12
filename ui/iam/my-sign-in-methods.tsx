/** One's own ways to sign in: password, second factors, recovery codes, accounts elsewhere. */
import { Button, Modal } from '@mantine/core';
import { lazy, Suspense, useState, type ReactNode } from 'react';
import {
  getMySignInMethods,
  getSignInOptions,
  removePasskey,
  removeTotp,
  renewRecoveryCodes,
  startIdentityLink,
  unlinkIdentity,
} from '#contract/iam.ts';
import { useQueryClient } from '@tanstack/react-query';
import { call } from '#ui/api/client.ts';
import { isQuiet } from '#ui/api/errors.ts';
import { passkeysSupported } from '#ui/api/passkeys.ts';
import { useChange, useEndpoint } from '#ui/api/queries.ts';
import { ConfirmAction } from '#ui/patterns/confirm-action.tsx';
import { plural } from '#ui/patterns/format.ts';
import { Panel } from '#ui/patterns/panel.tsx';
import { ProblemAlert } from '#ui/patterns/problem-alert.tsx';
import { RelativeTime } from '#ui/patterns/relative-time.tsx';
import { toastDone } from '#ui/patterns/toast.tsx';
import { addPasskeyHere } from './add-passkey.ts';
import { ChangePasswordDialog } from './change-password-dialog.tsx';
import { accountName, LinkedAccount } from './linked-account.tsx';
import { rememberDeparture } from './provider-departure.ts';
import { RecoveryCodeList } from './recovery-code-list.tsx';
import { listOfMethods } from './sign-in-method-names.ts';
import classes from './sign-in-methods.module.css';

const TotpSetup = lazy(() =>
  import('./totp-setup.tsx').then(({ TotpSetup: component }) => ({ default: component })),
);

type Removal = { what: string; why: string; verb?: string; run: () => Promise<{ job_id: string }> };

export function MySignInMethods() {
  const methods = useEndpoint(getMySignInMethods);
  const options = useEndpoint(getSignInOptions, {}, { staleTime: 60_000 }).data;
  const queryClient = useQueryClient();
  const [changingPassword, setChangingPassword] = useState(false);
  const [settingUp, setSettingUp] = useState(false);
  const [codes, setCodes] = useState<readonly string[] | null>(null);
  const [removal, setRemoval] = useState<Removal | null>(null);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const touched = { invalidates: [getMySignInMethods] };
  const dropTotp = useChange(removeTotp, touched);
  const dropPasskey = useChange(removePasskey, touched);
  const dropIdentity = useChange(unlinkIdentity, touched);
  const renew = useChange(renewRecoveryCodes, {
    ...touched,
    onSuccess: ({ data }) => setCodes(data.recovery_codes),
  });

  const enrolled = (recovery_codes: readonly string[] | null) => {
    setSettingUp(false);
    setCodes(recovery_codes);
    toastDone('Second factor added');
    void queryClient.invalidateQueries({ queryKey: [getMySignInMethods.id] });
  };
  const attempt = async (work: () => Promise<void>) => {
    setBusy(true);
    setError(null);
    await work().catch((failure: unknown) => !isQuiet(failure) && setError(failure));
    setBusy(false);
  };
  const link = (provider_id: string) =>
    attempt(async () => {
      const { data } = await call(startIdentityLink, { body: { provider_id } });
      rememberDeparture({ state: data.state, what: 'link', return_to: '/account' });
      location.assign(data.authorization_url);
    });

  const { data } = methods;
  const problem =
    error ?? methods.error ?? (renew.error !== null && !isQuiet(renew.error) ? renew.error : null);
  return (
    <>
      <ProblemAlert
        error={problem}
        {...(problem !== null && problem === methods.error && { onRetry: () => void methods.refetch() })}
      />
      {data && data.policy.roles.length > 0 && (
        <p className={classes.small}>
          {data.policy.roles.join(', ')} {data.policy.roles.length === 1 ? 'demands' : 'demand'}:{' '}
          {data.policy.mfa_required ? 'a second factor; ' : ''}sign in with{' '}
          {listOfMethods(data.policy.methods)}.
        </p>
      )}
      <Panel title="Password">
        <Item what={data ? (data.password ? 'Set' : 'No password') : '—'}>
          <Button variant="default" size="xs" onClick={() => setChangingPassword(true)}>
            Change password…
          </Button>
        </Item>
      </Panel>
      <Panel title="Authenticator app">
        <Item
          what={data ? (data.totp ? 'In use' : 'None') : '—'}
          small={
            data?.totp && (
              <>
                since <RelativeTime iso={data.totp.created_at} />
              </>
            )
          }
        >
          <Button variant="default" size="xs" onClick={() => setSettingUp(true)}>
            {data?.totp ? 'Replace…' : 'Set up…'}
          </Button>
          {data?.totp && (
            <Button
              variant="default"
              size="xs"
              onClick={() =>
                setRemoval({
                  what: 'Remove authenticator app',
                  why: 'Its codes stop working at once.',
                  run: async () => (await dropTotp.mutateAsync({})).data,
                })
              }
            >
              Remove…
            </Button>
          )}
        </Item>
      </Panel>
      <Panel
        title="Passkeys"
        actions={
          passkeysSupported() && (
            <Button
              variant="default"
              size="xs"
              loading={busy}
              onClick={() => void attempt(async () => enrolled(await addPasskeyHere()))}
            >
              Add a passkey
            </Button>
          )
        }
      >
        {data?.passkeys.length === 0 && (
          <p className={classes.small}>None. A passkey signs you in without a password.</p>
        )}
        {data?.passkeys.map(({ passkey_id, name, synced, created_at, last_used_at }) => (
          <Item
            key={passkey_id}
            what={name}
            small={
              <>
                {synced ? 'synchronised' : 'on one device'} · added <RelativeTime iso={created_at} /> · used{' '}
                <RelativeTime iso={last_used_at} missing="never" />
              </>
            }
          >
            <Button
              variant="default"
              size="xs"
              aria-label={`Remove… passkey ${name}`}
              onClick={() =>
                setRemoval({
                  what: `Remove passkey ${name}`,
                  why: 'It no longer signs you in. Delete it on the device, too.',
                  run: async () => (await dropPasskey.mutateAsync({ params: { passkey_id } })).data,
                })
              }
            >
              Remove…
            </Button>
          </Item>
        ))}
      </Panel>
      <Panel title="Recovery codes">
        <Item
          what={data ? `${plural(data.recovery_codes_left, 'code')} left` : '—'}
          small="For when every second factor is lost"
        >
          <Button
            variant="default"
            size="xs"
            loading={renew.isPending}
            disabled={!data || (data.totp === null && data.passkeys.length === 0)}
            onClick={() => renew.mutate({})}
          >
            New codes
          </Button>
        </Item>
      </Panel>
      {((options?.providers.length ?? 0) > 0 || (data?.identities.length ?? 0) > 0) && (
        <Panel title="Linked accounts">
          {data?.identities.map((account) => (
            <LinkedAccount key={account.identity_id} account={account}>
              <Button
                variant="default"
                size="xs"
                aria-label={`Unlink… ${accountName(account)}`}
                onClick={() =>
                  setRemoval({
                    what: `Unlink ${accountName(account)}`,
                    why: `That account no longer ${account.opens.includes('tokens') ? 'acts as you' : 'signs you in'} here.`,
                    verb: 'Unlink',
                    run: async () =>
                      (await dropIdentity.mutateAsync({ params: { identity_id: account.identity_id } })).data,
                  })
                }
              >
                Unlink…
              </Button>
            </LinkedAccount>
          ))}
          {options?.providers.map(({ provider_id, title }) => (
            <Item key={provider_id} what={title}>
              <Button
                variant="default"
                size="xs"
                disabled={busy}
                aria-label={`Link… ${title}`}
                onClick={() => void link(provider_id)}
              >
                Link…
              </Button>
            </Item>
          ))}
        </Panel>
      )}
      <ChangePasswordDialog opened={changingPassword} onClose={() => setChangingPassword(false)} />
      <Modal
        opened={settingUp}
        onClose={() => setSettingUp(false)}
        title="Set up an authenticator app"
        closeButtonProps={{ 'aria-label': 'Close' }}
      >
        <Suspense fallback={<div className={classes.waiting} aria-busy />}>
          <TotpSetup onDone={enrolled} onGone={() => setSettingUp(false)} />
        </Suspense>
      </Modal>
      <Modal
        opened={codes !== null}
        onClose={() => setCodes(null)}
        title="Your recovery codes"
        closeOnClickOutside={false}
        closeButtonProps={{ 'aria-label': 'Close' }}
      >
        {codes && <RecoveryCodeList codes={codes} />}
      </Modal>
      {removal && (
        <ConfirmAction
          title={removal.what}
          what={removal.why}
          verb={removal.verb ?? 'Remove'}
          reason="none"
          danger
          run={removal.run}
          onClose={() => setRemoval(null)}
        />
      )}
    </>
  );
}

function Item({ what, small, children }: { what: ReactNode; small?: ReactNode; children: ReactNode }) {
  return (
    <div className={classes.item}>
      <div className={classes.what}>
        <div>{what}</div>
        {small && <div className={classes.small}>{small}</div>}
      </div>
      <div style={{ display: 'flex', gap: 8 }}>{children}</div>
    </div>
  );
}

/** Lets the command line client in that shows this code, or keeps it out (RFC 8628 3.3). */
import { Button, TextInput } from '@mantine/core';
import { useSearch } from '@tanstack/react-router';
import { useEffect, useState, type SubmitEvent } from 'react';
import {
  approveDeviceRequest,
  denyDeviceRequest,
  inspectDeviceRequest,
  listMySessions,
  type DeviceRequest,
} from '#contract/iam.ts';
import { call } from '#ui/api/client.ts';
import { useChange, useMe } from '#ui/api/queries.ts';
import { PageHeader } from '#ui/patterns/page-header.tsx';
import { Panel, Properties, Property } from '#ui/patterns/panel.tsx';
import { ProblemAlert } from '#ui/patterns/problem-alert.tsx';
import { RelativeTime } from '#ui/patterns/relative-time.tsx';
import { oneValue } from '#ui/app/search-params.ts';
import classes from './device-page.module.css';

interface Found {
  user_code: string;
  request: DeviceRequest;
}

const OUTCOMES = {
  approved: { title: 'The device is signed in', text: 'Go back to your terminal; you can close this page.' },
  denied: { title: 'The device was kept out', text: 'Nothing was given to it. You can close this page.' },
};

export function DevicePage() {
  const given = oneValue(useSearch({ strict: false })['user_code']);
  const [found, setFound] = useState<Found | null>(null);
  const [outcome, setOutcome] = useState<keyof typeof OUTCOMES | null>(null);
  return (
    <div className={classes.page}>
      <PageHeader title="Sign in a device" />
      {outcome !== null && (
        <Panel title={OUTCOMES[outcome].title}>
          <p role="status">{OUTCOMES[outcome].text}</p>
        </Panel>
      )}
      {outcome === null && found === null && <CodeForm given={given ?? ''} onFound={setFound} />}
      {outcome === null && found !== null && (
        <Decision found={found} onDecided={setOutcome} onBack={() => setFound(null)} />
      )}
    </div>
  );
}

function CodeForm({ given, onFound }: { given: string; onFound: (found: Found) => void }) {
  const [code, setCode] = useState(given);
  const [pending, setPending] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const ask = (user_code: string) => {
    setPending(true);
    setError(null);
    call(inspectDeviceRequest, { body: { user_code } }).then(
      ({ data }) => onFound({ user_code: user_code.toUpperCase(), request: data }),
      (failure: unknown) => {
        setError(failure);
        setPending(false);
      },
    );
  };
  useEffect(() => {
    if (given !== '') ask(given);
    // Once, with the code of the address: what is typed after it is asked for by the button.
    // oxlint-disable-next-line react/exhaustive-deps
  }, []);
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    ask(code.trim());
  };
  return (
    <Panel title="Enter the code that your terminal shows">
      <form className={classes.form} onSubmit={submit}>
        <TextInput
          label="Code"
          className={classes.code}
          value={code}
          onChange={(event) => setCode(event.currentTarget.value)}
          placeholder="XXXX-XXXX"
          autoComplete="off"
          spellCheck={false}
          maxLength={20}
          autoFocus
        />
        <ProblemAlert error={error} />
        <Button type="submit" loading={pending} disabled={code.trim() === ''}>
          Continue
        </Button>
      </form>
    </Panel>
  );
}

function Decision({
  found: { user_code, request },
  onDecided,
  onBack,
}: {
  found: Found;
  onDecided: (outcome: keyof typeof OUTCOMES) => void;
  onBack: () => void;
}) {
  const email = useMe().data?.user.email;
  const approve = useChange(approveDeviceRequest, {
    invalidates: [listMySessions],
    onSuccess: () => onDecided('approved'),
  });
  const deny = useChange(denyDeviceRequest, { invalidates: [], onSuccess: () => onDecided('denied') });
  const busy = approve.isPending || deny.isPending;
  const { purpose, client_name, ip, user_agent, created_at, expires_at } = request;
  return (
    <Panel
      title={
        purpose === 'sign_in'
          ? 'A device asks to be signed in as you'
          : 'Your command line session asks to be confirmed'
      }
    >
      <div className={classes.form}>
        <div>
          <p>Does your terminal show this very code?</p>
          <p className={classes.shown}>{user_code}</p>
        </div>
        <Properties>
          <Property name="Calls itself">{client_name}</Property>
          <Property name="Client">{user_agent === '' ? 'says nothing' : user_agent}</Property>
          <Property name="Address">{ip}</Property>
          <Property name="Asked">
            <RelativeTime iso={created_at} />
          </Property>
          <Property name="Expires">
            <RelativeTime iso={expires_at} />
          </Property>
          <Property name="Signs in as">{email}</Property>
        </Properties>
        <p className={classes.warning}>
          Approve only what you began yourself, just now, at your own terminal. Whoever sent you this link or
          code would act as you: then deny it.
        </p>
        <ProblemAlert error={approve.error ?? deny.error} />
        <div className={classes.decide}>
          <Button
            loading={approve.isPending}
            disabled={busy}
            onClick={() => approve.mutate({ body: { user_code } })}
          >
            Approve
          </Button>
          <Button
            variant="default"
            loading={deny.isPending}
            disabled={busy}
            onClick={() => deny.mutate({ body: { user_code } })}
          >
            Deny
          </Button>
          <Button variant="subtle" disabled={busy} onClick={onBack}>
            Another code
          </Button>
        </div>
      </div>
    </Panel>
  );
}

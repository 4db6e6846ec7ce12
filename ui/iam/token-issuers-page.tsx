/** Whose bearer tokens are taken: each configured issuer, how reading its keys goes, and whether anybody comes by it. */
import { TextInput } from '@mantine/core';
import { useState } from 'react';
import { listTokenIssuers, revokeTokenSession, type TokenIssuer } from '#contract/iam.ts';
import { may, useChange, useEndpoint, useMe } from '#ui/api/queries.ts';
import { ConfirmAction } from '#ui/patterns/confirm-action.tsx';
import { EmptyState } from '#ui/patterns/empty-state.tsx';
import { plural } from '#ui/patterns/format.ts';
import { GuardedButton } from '#ui/patterns/guarded-button.tsx';
import { Mono } from '#ui/patterns/middle-truncate.tsx';
import { PageHeader } from '#ui/patterns/page-header.tsx';
import { Panel, Properties, Property } from '#ui/patterns/panel.tsx';
import { ProblemAlert } from '#ui/patterns/problem-alert.tsx';
import { RelativeTime } from '#ui/patterns/relative-time.tsx';
import { StatusPill } from '#ui/patterns/status-pill.tsx';
import classes from './token-issuers-page.module.css';

export function TokenIssuersPage() {
  const signedIn = useMe().data;
  const { data, error, refetch } = useEndpoint(listTokenIssuers, {}, { refetchInterval: 15_000 });
  const [ending, setEnding] = useState<TokenIssuer | null>(null);
  return (
    <div className={classes.page}>
      <PageHeader title="Token Issuers" />
      <ProblemAlert error={error} onRetry={() => void refetch()} />
      {!data && !error && <div className={classes.waiting} aria-busy />}
      {data?.items.length === 0 && (
        <EmptyState
          title="No token issuers"
          hint={
            <>
              Where people sign in at a Gateway already, its tokens can open this control plane too: name it
              in <code>token_issuers</code> of <code>control.yaml</code>, then link its accounts to users.
            </>
          }
        />
      )}
      {data?.items.map((issuer) => (
        <Panel
          key={issuer.issuer_id}
          title={
            <span className={classes.title}>
              {issuer.title} <StatusPill of="issuer_keys" status={issuer.keys_state} soft />
            </span>
          }
          actions={
            <GuardedButton
              variant="default"
              size="xs"
              aria-label={`End a session… of ${issuer.title}`}
              against={may(signedIn, 'iam.sessions.revoke').reason}
              onClick={() => setEnding(issuer)}
            >
              End a session…
            </GuardedButton>
          }
        >
          <Issuer issuer={issuer} />
        </Panel>
      ))}
      {ending && <EndSessionDialog issuer={ending} onClose={() => setEnding(null)} />}
    </div>
  );
}

const Issuer = ({ issuer }: { issuer: TokenIssuer }) => (
  <div className={classes.columns}>
    <Properties>
      <Property name="Issuer">
        <Mono>{issuer.issuer}</Mono>
      </Property>
      <Property name="Audience">
        <Mono>{issuer.audience}</Mono>
      </Property>
      <Property name="Algorithms">{issuer.algorithms.join(', ')}</Property>
      <Property name="Clocks may differ">{issuer.clock_skew_s} s</Property>
      <Property name="Environment">
        {issuer.environment === null
          ? 'Not the Gateways of one'
          : `${issuer.environment}: a session ended at its Gateways is refused`}
      </Property>
      <Property name="Linked accounts">{plural(issuer.linked_accounts, 'account')}</Property>
      <Property name="Last used">
        {issuer.last_used_at === null ? 'Never' : <RelativeTime iso={issuer.last_used_at} />}
      </Property>
    </Properties>
    <Properties>
      <Property name="Keys from">
        <Mono>{issuer.jwks_url}</Mono>
      </Property>
      <Property name="Read">
        {issuer.read_at === null ? (
          'Not yet: the first token asks for them'
        ) : (
          <RelativeTime iso={issuer.read_at} />
        )}
      </Property>
      {issuer.last_failure && (
        <Property name="Last failure">
          <RelativeTime iso={issuer.last_failure.at} />: it {issuer.last_failure.detail}
        </Property>
      )}
      {issuer.keys_until !== null && issuer.last_failure && (
        <Property name="Keys serve until">
          <RelativeTime iso={issuer.keys_until} />
        </Property>
      )}
      <Property name="Keys">
        {issuer.keys.length === 0 ? (
          'None known'
        ) : (
          <ul className={classes.keys}>
            {issuer.keys.map(({ kid, kty, alg, first_seen_at }) => (
              <li key={kid}>
                <Mono>{kid ?? 'without an id'}</Mono>
                <span className={classes.small}>
                  {alg ?? kty} · since <RelativeTime iso={first_seen_at} />
                </span>
              </li>
            ))}
          </ul>
        )}
      </Property>
    </Properties>
  </div>
);

function EndSessionDialog({ issuer, onClose }: { issuer: TokenIssuer; onClose: () => void }) {
  const [session_id, setSession] = useState('');
  const revoke = useChange(revokeTokenSession);
  return (
    <ConfirmAction
      title={`End a session of ${issuer.title}`}
      what="All tokens of that session are refused here from the next request on, on every replica. The issuer itself is not told."
      verb="End session"
      danger
      done="Session ended"
      blocked={session_id.trim() === ''}
      run={async ({ reason }) => {
        const { data } = await revoke.mutateAsync({
          body: { issuer_id: issuer.issuer_id, session_id: session_id.trim(), reason: reason ?? '' },
        });
        return { job_id: data.job_id };
      }}
      onClose={onClose}
    >
      <TextInput
        label="Session id"
        description="sid of its tokens"
        value={session_id}
        maxLength={255}
        onChange={(event) => setSession(event.currentTarget.value)}
        autoComplete="off"
        spellCheck={false}
        data-autofocus
        required
        withAsterisk={false}
      />
    </ConfirmAction>
  );
}

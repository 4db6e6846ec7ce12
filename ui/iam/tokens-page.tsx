import { Button, Tooltip } from '@mantine/core';
import { IconPlus, IconTrash } from '@tabler/icons-react';
import { useState } from 'react';
import { listTokens, revokeToken, TOKEN_STATES, type ApiToken } from '#contract/iam.ts';
import { may, useChange, useMe } from '#ui/api/queries.ts';
import { firstReason, stateReason, type Action } from '#ui/patterns/action-menu.tsx';
import { useNow } from '#ui/patterns/clock.ts';
import { ConfirmAction } from '#ui/patterns/confirm-action.tsx';
import type { Column } from '#ui/patterns/data-table.tsx';
import { GuardedButton } from '#ui/patterns/guarded-button.tsx';
import { ListPage } from '#ui/patterns/list-page.tsx';
import type { ListFilter } from '#ui/patterns/list-search.ts';
import { Mono } from '#ui/patterns/middle-truncate.tsx';
import { RelativeTime } from '#ui/patterns/relative-time.tsx';
import { StatusPill } from '#ui/patterns/status-pill.tsx';
import { CreateTokenDrawer } from './create-token-drawer.tsx';
import { ScopeLabel } from './scope-label.tsx';
import classes from './tokens-page.module.css';

const SOON_MS = 7 * 24 * 3600_000;

/** When a token expires; amber in the last week, because what uses it will stop. */
function Expiry({ token: { expires_at, state } }: { token: ApiToken }) {
  const left = Date.parse(expires_at) - useNow();
  return (
    <span data-soon={(state === 'active' && left < SOON_MS) || undefined} className={classes.expiry}>
      <RelativeTime iso={expires_at} />
    </span>
  );
}

const COLUMNS: readonly Column<ApiToken>[] = [
  {
    id: 'name',
    header: 'Token',
    width: 200,
    grow: true,
    cell: ({ name, prefix }) => (
      <span className={classes.token}>
        <b>{name}</b>
        <span className={classes.prefix}>
          <Mono>{prefix}…</Mono>
        </span>
      </span>
    ),
  },
  { id: 'state', header: 'State', cell: ({ state }) => <StatusPill of="token" status={state} /> },
  {
    id: 'user',
    header: 'Acts as',
    cell: ({ user_email }) => (
      <span className={classes.owner} title={user_email}>
        {user_email}
      </span>
    ),
  },
  {
    id: 'permissions',
    header: 'Permissions',
    cell: ({ permissions }) => (
      <Tooltip label={permissions.join(', ')}>
        <span className={classes.permissions}>
          <Mono>{permissions[0] ?? ''}</Mono>
          {permissions.length > 1 && <span className={classes.prefix}>+{permissions.length - 1}</span>}
        </span>
      </Tooltip>
    ),
  },
  { id: 'scope', header: 'Where', cell: (token) => <ScopeLabel scope={token} /> },
  {
    id: 'last_used_at',
    header: 'Last used',
    cell: ({ last_used_at }) => <RelativeTime iso={last_used_at} missing="Never used" />,
  },
  { id: 'expires_at', header: 'Expires', sort: 'expires_at', cell: (token) => <Expiry token={token} /> },
  {
    id: 'created_at',
    header: 'Created',
    sort: 'created_at',
    cell: ({ created_at }) => <RelativeTime iso={created_at} />,
  },
];

const FILTERS: readonly ListFilter[] = [
  {
    type: 'one',
    name: 'state',
    label: 'State',
    options: TOKEN_STATES.map((state) => ({
      value: state,
      label: state,
      render: <StatusPill of="token" status={state} />,
    })),
  },
];

export function TokensPage() {
  const signedIn = useMe().data;
  const [creating, setCreating] = useState(false);
  const [revoking, setRevoking] = useState<ApiToken | null>(null);
  const actionsFor = (token: ApiToken): Action[] => [
    {
      label: 'Revoke token…',
      icon: IconTrash,
      danger: true,
      disabled: firstReason(
        may(signedIn, 'iam.tokens.revoke'),
        stateReason(['active'], token.state, 'token'),
      ),
      onSelect: () => setRevoking(token),
    },
  ];
  return (
    <>
      <ListPage
        title="API Tokens"
        noun={{ one: 'token', many: 'tokens' }}
        endpoint={listTokens}
        columns={COLUMNS}
        rowId={({ token_id }) => token_id}
        rowActions={actionsFor}
        filters={FILTERS}
        defaultSort="-created_at"
        primary={
          <GuardedButton
            leftSection={<IconPlus size={16} />}
            against={may(signedIn, 'iam.tokens.create').reason}
            onClick={() => setCreating(true)}
          >
            Create token
          </GuardedButton>
        }
        empty={{
          title: 'No API tokens',
          hint: 'A token lets a script or pipeline act as you, with the permissions that you choose and until the day that you choose.',
          action: may(signedIn, 'iam.tokens.create').allowed && (
            <Button onClick={() => setCreating(true)}>Create token</Button>
          ),
        }}
      />
      {creating && <CreateTokenDrawer onClose={() => setCreating(false)} />}
      {revoking && <RevokeTokenDialog token={revoking} onClose={() => setRevoking(null)} />}
    </>
  );
}

function RevokeTokenDialog({ token, onClose }: { token: ApiToken; onClose: () => void }) {
  const revoke = useChange(revokeToken, { invalidates: [listTokens] });
  return (
    <ConfirmAction
      title={`Revoke ${token.name}`}
      what={
        <>
          The next request with <Mono>{token.prefix}…</Mono> is refused, and whatever uses it stops. This
          cannot be undone; a new token can take its place.
        </>
      }
      verb="Revoke token"
      danger
      done={`${token.name} revoked`}
      run={async ({ reason }) => {
        const { data } = await revoke.mutateAsync({
          params: { token_id: token.token_id },
          body: { reason: reason ?? '' },
        });
        return { job_id: data.job_id };
      }}
      onClose={onClose}
    />
  );
}

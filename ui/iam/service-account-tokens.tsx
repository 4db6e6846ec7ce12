import { IconPlus } from '@tabler/icons-react';
import { useState } from 'react';
import { listTokens, type ServiceAccount } from '#contract/iam.ts';
import { firstReason } from '#ui/patterns/action-menu.tsx';
import { may, useEndpoint, useMe } from '#ui/api/queries.ts';
import { DataTable } from '#ui/patterns/data-table.tsx';
import { EmptyState } from '#ui/patterns/empty-state.tsx';
import { GuardedButton } from '#ui/patterns/guarded-button.tsx';
import { Panel } from '#ui/patterns/panel.tsx';
import { ProblemAlert } from '#ui/patterns/problem-alert.tsx';
import { CreateTokenDrawer } from './create-token-drawer.tsx';
import { useTokenActions } from './token-actions.tsx';
import { OWN_TOKEN_COLUMNS } from './token-columns.tsx';

const LIMIT = 200;

/** The tokens of a service account: making one, rotating, revoking. */
export function ServiceAccountTokens({ account }: { account: ServiceAccount }) {
  const signedIn = useMe().data;
  const readable = may(signedIn, 'iam.tokens.read');
  const tokens = useEndpoint(
    listTokens,
    { query: { user_id: account.user_id, limit: LIMIT } },
    { enabled: readable.allowed },
  );
  const { actionsFor, dialog } = useTokenActions();
  const [creating, setCreating] = useState(false);
  if (!readable.allowed)
    return (
      <Panel title="API tokens">
        <EmptyState title="You may not see API tokens" hint={readable.reason} />
      </Panel>
    );
  return (
    <>
      <Panel
        title="API tokens"
        flush
        actions={
          <GuardedButton
            size="compact-sm"
            variant="default"
            leftSection={<IconPlus size={14} />}
            against={firstReason(
              may(signedIn, 'iam.service_accounts.create_tokens'),
              account.status !== 'active' && `The service account is ${account.status}`,
            )}
            onClick={() => setCreating(true)}
          >
            Create token
          </GuardedButton>
        }
      >
        {tokens.error && <ProblemAlert error={tokens.error} onRetry={() => void tokens.refetch()} />}
        {(tokens.data || !tokens.error) && (
          <DataTable
            plain
            label={`API tokens of ${account.display_name}`}
            columns={OWN_TOKEN_COLUMNS}
            rows={tokens.data?.items ?? []}
            rowId={({ token_id }) => token_id}
            rowActions={actionsFor}
            skeleton={tokens.data === undefined ? 2 : undefined}
            dimmed={tokens.error !== null}
            empty={
              <EmptyState
                title="No token yet"
                hint="A script calls with a token. It is shown once, when it is made."
              />
            }
          />
        )}
      </Panel>
      {creating && <CreateTokenDrawer account={account} onClose={() => setCreating(false)} />}
      {dialog}
    </>
  );
}

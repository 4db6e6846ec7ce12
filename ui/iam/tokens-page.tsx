import { Button } from '@mantine/core';
import { IconPlus } from '@tabler/icons-react';
import { useState } from 'react';
import { listTokens } from '#contract/iam.ts';
import { may, useMe } from '#ui/api/queries.ts';
import { GuardedButton } from '#ui/patterns/guarded-button.tsx';
import { ListPage } from '#ui/patterns/list-page.tsx';
import { CreateTokenDrawer } from './create-token-drawer.tsx';
import { useTokenActions } from './token-actions.tsx';
import { TOKEN_COLUMNS, TOKEN_FILTERS } from './token-columns.tsx';

export function TokensPage() {
  const signedIn = useMe().data;
  const [creating, setCreating] = useState(false);
  const { actionsFor, dialog } = useTokenActions();
  return (
    <>
      <ListPage
        title="API Tokens"
        noun={{ one: 'token', many: 'tokens' }}
        endpoint={listTokens}
        columns={TOKEN_COLUMNS}
        rowId={({ token_id }) => token_id}
        rowActions={actionsFor}
        filters={TOKEN_FILTERS}
        search="Search by name or whom it acts as"
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
          hint: 'A token lets a script or pipeline act as you, with the permissions that you choose and until the day that you choose. For what outlasts people there are service accounts.',
          action: may(signedIn, 'iam.tokens.create').allowed && (
            <Button onClick={() => setCreating(true)}>Create token</Button>
          ),
        }}
      />
      {creating && <CreateTokenDrawer onClose={() => setCreating(false)} />}
      {dialog}
    </>
  );
}

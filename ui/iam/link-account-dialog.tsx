import { Select, TextInput } from '@mantine/core';
import { useState } from 'react';
import {
  getUserSignInMethods,
  linkUserIdentity,
  listTokenIssuers,
  type TokenIssuer,
  type UserListItem,
} from '#contract/iam.ts';
import { useChange } from '#ui/api/queries.ts';
import { ConfirmAction } from '#ui/patterns/confirm-action.tsx';

/** Lets the tokens of an account at a token issuer act as the user. */
export function LinkAccountDialog({
  user,
  issuers,
  onClose,
}: {
  user: UserListItem;
  issuers: readonly TokenIssuer[];
  onClose: () => void;
}) {
  const [issuer_id, setIssuer] = useState<string | null>(
    issuers.length === 1 ? (issuers[0]?.issuer_id ?? null) : null,
  );
  const [subject, setSubject] = useState('');
  const link = useChange(linkUserIdentity, { invalidates: [getUserSignInMethods, listTokenIssuers] });
  const issuer = issuers.find((one) => one.issuer_id === issuer_id);
  return (
    <ConfirmAction
      title={`Link an account to ${user.display_name}`}
      what={`Whoever holds a token of that account may then do what ${user.email} may do, without a password.`}
      verb="Link account"
      done={`Account at ${issuer?.title ?? 'the issuer'} linked to ${user.display_name}`}
      blocked={issuer === undefined || subject.trim() === ''}
      run={async ({ reason }) => {
        const { data } = await link.mutateAsync({
          params: { user_id: user.user_id },
          body: { issuer_id: issuer_id ?? '', subject: subject.trim(), reason: reason ?? '' },
        });
        return { job_id: data.job_id };
      }}
      onClose={onClose}
    >
      <Select
        label="Issuer"
        placeholder="Choose an issuer"
        description={issuer?.issuer}
        data={issuers.map(({ issuer_id: value, title }) => ({ value, label: title }))}
        value={issuer_id}
        onChange={setIssuer}
        allowDeselect={false}
        required
        withAsterisk={false}
      />
      <TextInput
        label="Subject"
        description="sub of its tokens, as the issuer writes it: capitals count"
        value={subject}
        maxLength={255}
        onChange={(event) => setSubject(event.currentTarget.value)}
        autoComplete="off"
        spellCheck={false}
        data-autofocus
        required
        withAsterisk={false}
      />
    </ConfirmAction>
  );
}

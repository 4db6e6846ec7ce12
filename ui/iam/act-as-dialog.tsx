/** Before somebody acts as another user: what it opens and what not, for how long, and who looks at it afterwards. */
import { Skeleton } from '@mantine/core';
import { useEffect } from 'react';
import { previewImpersonation, startImpersonation, type ImpersonationPreview } from '#contract/iam.ts';
import { PERMISSIONS, type Permission } from '#contract/permissions.ts';
import { useChange } from '#ui/api/queries.ts';
import { ConfirmAction } from '#ui/patterns/confirm-action.tsx';
import { plural } from '#ui/patterns/format.ts';
import { ProblemAlert } from '#ui/patterns/problem-alert.tsx';
import classes from './act-as-dialog.module.css';
import { ScopeLabel } from './scope-label.tsx';

export function ActAsDialog({
  user,
  onClose,
}: {
  user: { user_id: string; email: string };
  onClose: () => void;
}) {
  const { user_id, email } = user;
  const preview = useChange(previewImpersonation);
  const begin = useChange(startImpersonation);
  const { mutate } = preview;
  useEffect(() => mutate({ params: { user_id } }), [mutate, user_id]);
  const shown = preview.data?.data;
  return (
    <ConfirmAction
      title={`Act as ${email}`}
      what="To break glass: you do what this user may, in your own name. Every event names both of you, and somebody else reviews it afterwards."
      verb="Act as this user"
      danger
      done={null}
      blocked={shown === undefined || shown.blockers.length > 0}
      run={async ({ reason }) => {
        await begin.mutateAsync({ body: { user_id, reason: reason ?? '' } });
        location.assign('/');
      }}
      onClose={onClose}
    >
      {preview.error ? (
        <ProblemAlert error={preview.error} onRetry={() => mutate({ params: { user_id } })} />
      ) : shown ? (
        <Preview {...shown} />
      ) : (
        <Skeleton height={180} />
      )}
    </ConfirmAction>
  );
}

function Preview({ minutes, review_days, blockers, grants, withheld, reviewers }: ImpersonationPreview) {
  const { count, emails } = reviewers;
  return (
    <div className={classes.preview}>
      {blockers.length > 0 && (
        <ul className={classes.blockers} aria-label="What stands against it">
          {blockers.map(({ code, message }) => (
            <li key={code}>{message}</li>
          ))}
        </ul>
      )}
      <dl className={classes.facts}>
        <dt>For</dt>
        <dd>{plural(minutes, 'minute')} at most; it cannot be extended</dd>
        <dt>Reviewed by</dt>
        <dd>
          {count === 0
            ? `nobody yet: only you may review. Left undone for ${plural(review_days, 'day')}, it stops your next one`
            : `${emails.join(', ')}${count > emails.length ? ` or ${count - emails.length} more` : ''}, within ${plural(review_days, 'day')}; left undone, it stops your next one`}
        </dd>
        <dt>Open</dt>
        <dd>
          {grants.length === 0
            ? 'nothing'
            : grants.map(({ permissions, ...scope }) => (
                <details key={`${scope.role_id} ${scope.tenant_id} ${scope.environment}`}>
                  <summary>
                    {plural(permissions.length, 'permission')} of {scope.role_id} <ScopeLabel scope={scope} />
                  </summary>
                  {permissions.map((name) => PERMISSIONS[name as Permission] ?? name).join(' · ')}
                </details>
              ))}
        </dd>
        <dt>Closed</dt>
        <dd>
          Accounts, access, approvals, the audit log and secrets
          {withheld.length > 0 && `, of which this user holds ${plural(withheld.length, 'permission')}`}
        </dd>
      </dl>
    </div>
  );
}

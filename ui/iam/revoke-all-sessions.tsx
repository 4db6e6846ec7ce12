/** Ending all sessions of one user, of one end user, or of all end users of a tenant. */
import {
  getUser,
  listSessions,
  listUsers,
  revokeTenantSessions,
  revokeUserSessions,
  type Session,
} from '#contract/iam.ts';
import { useChange } from '#ui/api/queries.ts';
import { ConfirmAction } from '#ui/patterns/confirm-action.tsx';
import { ownerName } from './session-words.ts';

const TOUCHED = [listSessions, listUsers, getUser] as const;
const AFTERWARDS = 'The next request of each is refused; they may sign in again.';

/** All sessions of whoever has this one. */
export function RevokeOwnerDialog({
  session,
  onDone,
  onClose,
}: {
  session: Session;
  onDone: () => void;
  onClose: () => void;
}) {
  const { user_id, tenant_id, environment, end_user_id } = session;
  const owner = ownerName(session);
  const ofUser = useChange(revokeUserSessions, { invalidates: TOUCHED });
  const ofEndUser = useChange(revokeTenantSessions, { invalidates: TOUCHED });
  return (
    <ConfirmAction
      title={`End all sessions of ${owner}`}
      what={
        user_id === null
          ? `All sessions of ${owner} of ${tenant_id} end at the Gateway, with their refresh tokens. ${AFTERWARDS}`
          : `All sessions of ${owner} end. ${AFTERWARDS}`
      }
      verb="End all sessions"
      danger
      {...(environment !== null && { environment })}
      done={`Sessions of ${owner} ended`}
      run={async ({ reason = '' }) => {
        const { data } =
          user_id === null
            ? await ofEndUser.mutateAsync({
                params: { tenant_id: tenant_id ?? '' },
                body: { environment: environment ?? '', end_user_id: end_user_id ?? '', reason },
              })
            : await ofUser.mutateAsync({ params: { user_id }, body: { reason } });
        onDone();
        return { job_id: data.job_id };
      }}
      onClose={onClose}
    />
  );
}

/** All sessions of a tenant's end users in one environment. */
export function RevokeTenantDialog({
  tenant_id,
  environment,
  onClose,
}: {
  tenant_id: string;
  environment: string;
  onClose: () => void;
}) {
  const change = useChange(revokeTenantSessions, { invalidates: TOUCHED });
  return (
    <ConfirmAction
      title={`End all sessions of ${tenant_id}`}
      what={`All end users of ${tenant_id} in ${environment} are signed out at the Gateway, and their refresh tokens end. ${AFTERWARDS}`}
      verb="End all sessions"
      danger
      environment={environment}
      typed={tenant_id}
      done={`Sessions of ${tenant_id} in ${environment} ended`}
      run={async ({ reason = '' }) => {
        const { data } = await change.mutateAsync({ params: { tenant_id }, body: { environment, reason } });
        return { job_id: data.job_id };
      }}
      onClose={onClose}
    />
  );
}

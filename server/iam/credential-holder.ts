/** What every credential leads to: a user with their grants, read in the statement that finds the credential; and why one opens nothing. */
import type { Grant, UserStatus } from '#contract/iam.ts';
import type { AuthenticationResult } from '#server/http/authenticator.ts';
import { ASSIGNMENT_LIVE_SQL } from './assignment-store.ts';

/** The grants of the user aliased `u`, as a column. */
export const GRANTS_SQL = `coalesce((
  select json_agg(json_build_object('role_id', a.role_id, 'permissions', r.permissions, 'tenant_id', a.tenant_id, 'environment', a.environment, 'expires_at', a.expires_at))
  from assignments a join roles r using (role_id) where a.user_id = u.user_id and ${ASSIGNMENT_LIVE_SQL}), '[]') as grants`;

export interface CredentialHolder {
  ended: boolean;
  expired: boolean;
  touch: boolean;
  user_id: string;
  email: string;
  status: UserStatus;
  grants: Grant[];
}

export const UNKNOWN_CREDENTIAL: AuthenticationResult = {
  rejected: 'unknown',
  detail: 'These credentials are not known; sign in again.',
};

/** Why what was found opens nothing; null = it does. */
export function rejectionOf(holder: CredentialHolder | undefined, noun: string): AuthenticationResult | null {
  if (!holder) return UNKNOWN_CREDENTIAL;
  if (holder.ended) return { rejected: 'revoked', detail: `This ${noun} was ended.` };
  if (holder.expired) return { rejected: 'expired', detail: `This ${noun} has expired.` };
  if (holder.status !== 'active')
    return { rejected: 'user_not_active', detail: `The user of this ${noun} cannot sign in at present.` };
  return null;
}

/**
 * Who calls while acting as another user. Two cookies come: that of the actor's own session and that of the session that acts, which
 * counts only together with the first. One round trip, in which every way to end it is looked at.
 */
import { CompiledQuery } from 'kysely';
import { IMPERSONATION_ENDINGS, type Grant, type ImpersonationEnding } from '#contract/iam.ts';
import { actingGrants } from '#contract/permission-rules.ts';
import type { Database } from '#server/db/database.ts';
import type { AuthenticationResult, Authenticator } from '#server/http/authenticator.ts';
import { GRANTS_SQL } from './credential-holder.ts';
import { ENDING_SQL, IMPERSONATION_PARTS } from './impersonation-store.ts';
import { csrfTokenOf, secretHash } from './secret-values.ts';
import { shareReads } from './shared-read.ts';

const FIND_ACTING = `select acting.session_id, acting.authenticated_at, acting.expires_at, i.impersonation_id, i.ends_at,
    ${ENDING_SQL} as ending, i.actor_user_id, actor.email as actor_email, u.user_id, u.email, ${GRANTS_SQL}
  from ${IMPERSONATION_PARTS} where acting.token_hash = $1 and own.token_hash = $2`;

interface ActingRow {
  session_id: string;
  authenticated_at: string;
  expires_at: string;
  impersonation_id: string;
  ends_at: string;
  ending: ImpersonationEnding | null;
  actor_user_id: string;
  actor_email: string;
  user_id: string;
  email: string;
  grants: Grant[];
}

/** Reads who acts by the two cookies. */
export function actingAuthentication(db: Database): Authenticator['acting'] {
  const read = shareReads(async (cookies): Promise<AuthenticationResult> => {
    const [token = '', own = ''] = cookies.split(' ');
    const found = await db.executeQuery<ActingRow>(
      CompiledQuery.raw(FIND_ACTING, [secretHash(token), secretHash(own)]),
    );
    return resultOf(found.rows[0], token);
  });
  return (token, own) => read(`${token} ${own}`);
}

function resultOf(row: ActingRow | undefined, token: string): AuthenticationResult {
  if (!row) return { rejected: 'unknown', detail: 'You act as nobody else here; you are yourself again.' };
  const { ending, email, actor_email, actor_user_id, user_id, impersonation_id, ends_at } = row;
  if (ending !== null)
    return {
      rejected: 'revoked',
      detail: `You do not act as ${email} any more. ${IMPERSONATION_ENDINGS[ending]}.`,
    };
  const { session_id, authenticated_at, expires_at, grants } = row;
  return {
    principal: {
      type: 'user',
      principal_id: impersonation_id,
      user_id,
      label: `${actor_email} as ${email}`,
      session: {
        session_id,
        authenticated_at,
        expires_at,
        client: 'browser',
        pending: null,
        csrf_token: csrfTokenOf(token),
      },
      token: null,
      grants: actingGrants(grants),
      impersonation: {
        impersonation_id,
        actor_user_id,
        actor_label: actor_email,
        target_label: email,
        ends_at,
      },
    },
  };
}

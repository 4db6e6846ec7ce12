/**
 * Who a bearer JWT of a configured issuer stands for here: the user that its `iss` and `sub` are linked to, with that user's own roles.
 * Nothing in the token grants anything. The link, the user, the grants and whether the session was ended are one statement.
 */
import { CompiledQuery } from 'kysely';
import type { Logger } from 'pino';
import type { Database } from '#server/db/database.ts';
import type { AuthenticationResult } from '#server/http/authenticator.ts';
import { GRANTS_SQL, rejectionOf, type CredentialHolder } from './credential-holder.ts';
import { TokenRefused, type TokenVerifier } from './token-verifier.ts';

const TOUCH_INTERVAL = `interval '1 minute'`;
const FIND_IDENTITY = `select i.identity_id, u.user_id, u.email, u.status, false as expired,
      (exists (select from revoked_token_sessions r where r.issuer = $1 and r.session_id = $3)
        or exists (select from gateway_sessions g where g.session_id = md5($4 || '/' || $3)::uuid and g.ended_at is not null)) as ended,
      (i.last_used_at is null or i.last_used_at < now() - ${TOUCH_INTERVAL}) as touch, ${GRANTS_SQL}
    from linked_identities i join users u using (user_id) where i.issuer = $1 and i.subject = $2`;
const TOUCH_IDENTITY = `update linked_identities set last_used_at = now()
    where identity_id = $1 and (last_used_at is null or last_used_at < now() - ${TOUCH_INTERVAL})`;

/** The same for whatever is wrong, so that nobody can feel their way along the checks. */
const NOT_ACCEPTED: AuthenticationResult = {
  rejected: 'unproven',
  detail: 'This token is not accepted here: it has to come from a configured issuer, for this audience.',
};

/** Whether a bearer value has the form of a JWT (RFC 7515 compact serialization); API tokens have no dots. */
export const looksLikeJwt = (value: string): boolean => value.split('.', 4).length === 3;

export function issuedTokenAuthentication(
  db: Database,
  verifier: TokenVerifier,
  log: Pick<Logger, 'debug'>,
): (token: string) => Promise<AuthenticationResult> {
  const run = <Row>(text: string, values: unknown[]) => db.executeQuery<Row>(CompiledQuery.raw(text, values));
  return async (token) => {
    let proven;
    try {
      proven = await verifier.verify(token);
    } catch (error) {
      if (!(error instanceof TokenRefused)) throw error;
      log.debug({ cause_code: error.cause_code }, 'a bearer token was refused');
      return error.kind === 'expired'
        ? { rejected: 'expired', detail: 'This token has expired; get a new one from its issuer.' }
        : NOT_ACCEPTED;
    }
    const { issuer_id, issuer_title, issuer, environment, subject, session_id, authenticated_at } = proven;
    const { rows } = await run<CredentialHolder & { identity_id: string }>(FIND_IDENTITY, [
      issuer,
      subject,
      session_id,
      environment,
    ]);
    const [row] = rows;
    if (!row) {
      log.debug({ cause_code: 'not_linked', issuer_id }, 'a bearer token was refused');
      return {
        rejected: 'unproven',
        detail: `This account at ${issuer_title} is linked to nobody here; ask an administrator to link it to you.`,
      };
    }
    const rejected = rejectionOf(row, `session at ${issuer_title}`);
    if (rejected) return rejected;
    // The request does not wait for it; should it fail, a later request touches again.
    if (row.touch) void run(TOUCH_IDENTITY, [row.identity_id]).catch(() => undefined);
    return {
      principal: {
        type: 'user',
        principal_id: row.user_id,
        user_id: row.user_id,
        label: `${row.email} (by ${issuer_title})`,
        session: null,
        token: null,
        issued: { issuer_id, session_id, authenticated_at },
        grants: row.grants,
        impersonation: null,
      },
    };
  };
}

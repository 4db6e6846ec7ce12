/**
 * Says who calls. It runs on every request, so one is one round trip: session or token, user and grants in one prepared statement,
 * and the times are judged by the database's clock. Nothing is cached: a revoked session or a taken role counts on the next request.
 * Requests of one session that come at the same time share a read that begins after the last of them came.
 */
import { CompiledQuery } from 'kysely';
import type { Logger } from 'pino';
import type { PendingSignIn } from '#contract/endpoint.ts';
import type { Database } from '#server/db/database.ts';
import type { AuthenticationResult, Authenticator } from '#server/http/authenticator.ts';
import { actingAuthentication } from './acting-authentication.ts';
import { GRANTS_SQL, rejectionOf, UNKNOWN_CREDENTIAL, type CredentialHolder } from './credential-holder.ts';
import { issuedTokenAuthentication, looksLikeJwt } from './issued-token-authentication.ts';
import { csrfTokenOf, isAccessToken, isApiToken, secretHash } from './secret-values.ts';
import { SESSION_EXPIRED_SQL } from './session-rules.ts';
import { shareReads } from './shared-read.ts';
import type { TokenVerifier } from './token-verifier.ts';

/** `last_seen_at` and `last_used_at` are exact to this: writing them on every request would double its cost. */
const TOUCH_INTERVAL = `interval '1 minute'`;

const FIND_SESSION = `select s.session_id, s.authenticated_at, s.expires_at, s.pending, s.ended_at is not null as ended, ${SESSION_EXPIRED_SQL} as expired,
      s.last_seen_at < now() - ${TOUCH_INTERVAL} as touch, u.user_id, u.email, u.status, ${GRANTS_SQL}
    from sessions s join users u using (user_id) where s.token_hash = $1 and s.impersonation_id is null`;
/** What ends the session ends its tokens, which is why nothing but their life is read of them. */
const FIND_CLI_SESSION = `select s.session_id, s.authenticated_at, s.expires_at, null as pending, s.ended_at is not null as ended,
      ${SESSION_EXPIRED_SQL} as expired, t.expires_at <= now() as token_expired,
      s.last_seen_at < now() - ${TOUCH_INTERVAL} as touch, u.user_id, u.email, u.status, ${GRANTS_SQL}
    from session_tokens t join sessions s using (session_id) join users u using (user_id) where t.token_hash = $1 and t.kind = 'access'`;
const FIND_TOKEN = `select t.token_id, t.name, t.permissions, t.tenant_id, t.environment, t.revoked_at is not null as ended, t.expires_at <= now() as expired,
      (t.last_used_at is null or t.last_used_at < now() - ${TOUCH_INTERVAL}) as touch, u.user_id, u.email, u.status, ${GRANTS_SQL}
    from api_tokens t join users u using (user_id) where t.token_hash = $1`;
const TOUCH_SESSION = `update sessions set last_seen_at = now() where session_id = $1 and last_seen_at < now() - ${TOUCH_INTERVAL}`;
const TOUCH_TOKEN = `update api_tokens set last_used_at = now()
    where token_id = $1 and (last_used_at is null or last_used_at < now() - ${TOUCH_INTERVAL})`;
const USE_PROOF = `update step_up_proofs set used_at = now()
    where proof_hash = $1 and session_id = $2 and request_hash = $3 and used_at is null and expires_at > now()`;

interface SessionRow extends CredentialHolder {
  pending: PendingSignIn | null;
  session_id: string;
  authenticated_at: string;
  expires_at: string;
}
interface TokenRow extends CredentialHolder {
  token_id: string;
  name: string;
  permissions: string[];
  tenant_id: string | null;
  environment: string | null;
}

/** Bearer JWTs are taken where issuers are configured; why one is not goes to `log` at debug, without its content. */
interface IssuedTokens {
  verifier: TokenVerifier;
  log: Pick<Logger, 'debug'>;
}

/** The authentication of the request pipeline, on this database. */
export function createAuthenticator(db: Database, issued: IssuedTokens | null = null): Authenticator {
  const run = <Row>(text: string, values: unknown[]) => db.executeQuery<Row>(CompiledQuery.raw(text, values));
  const touching = new Set<string>();
  const touch = (statement: string, id: string): void => {
    if (touching.has(id)) return;
    touching.add(id);
    // The request does not wait for it; should it fail, a later request touches again.
    void run(statement, [id])
      .catch(() => undefined)
      .finally(() => touching.delete(id));
  };

  const issuedToken = issued && issuedTokenAuthentication(db, issued.verifier, issued.log);

  const apiToken = shareReads(async (token): Promise<AuthenticationResult> => {
    const row = (await run<TokenRow>(FIND_TOKEN, [secretHash(token)])).rows[0];
    const rejected = rejectionOf(row, 'API token');
    if (rejected || !row) return rejected ?? UNKNOWN_CREDENTIAL;
    if (row.touch) touch(TOUCH_TOKEN, row.token_id);
    const { token_id, name, permissions, tenant_id, environment, user_id, email, grants } = row;
    const limits = { token_id, name, permissions, tenant_id, environment };
    return {
      principal: {
        type: 'api_token',
        principal_id: token_id,
        user_id,
        label: `${email} (${name})`,
        session: null,
        token: limits,
        grants,
        impersonation: null,
      },
    };
  });

  const cliSession = shareReads(async (token): Promise<AuthenticationResult> => {
    const row = (await run<SessionRow & { token_expired: boolean }>(FIND_CLI_SESSION, [secretHash(token)]))
      .rows[0];
    const rejected = rejectionOf(row, 'session');
    if (rejected || !row) return rejected ?? UNKNOWN_CREDENTIAL;
    if (row.token_expired)
      return {
        rejected: 'expired',
        detail: 'This access token has expired; get the next by the refresh token.',
      };
    if (row.touch) touch(TOUCH_SESSION, row.session_id);
    const { session_id, authenticated_at, expires_at, user_id, email, grants } = row;
    return {
      principal: {
        type: 'user',
        principal_id: user_id,
        user_id,
        label: email,
        session: { session_id, authenticated_at, expires_at, client: 'cli', pending: null, csrf_token: null },
        token: null,
        grants,
        impersonation: null,
      },
    };
  });

  return {
    session: shareReads(async (token): Promise<AuthenticationResult> => {
      const row = (await run<SessionRow>(FIND_SESSION, [secretHash(token)])).rows[0];
      const rejected = rejectionOf(row, 'session');
      if (rejected || !row) return rejected ?? UNKNOWN_CREDENTIAL;
      if (row.touch) touch(TOUCH_SESSION, row.session_id);
      const { session_id, authenticated_at, expires_at, pending, user_id, email } = row;
      const session = {
        session_id,
        authenticated_at,
        expires_at,
        client: 'browser' as const,
        pending,
        csrf_token: csrfTokenOf(token),
      };
      const grants = pending === null ? row.grants : [];
      return {
        principal: {
          type: 'user',
          principal_id: user_id,
          user_id,
          label: email,
          session,
          token: null,
          grants,
          impersonation: null,
        },
      };
    }),

    acting: actingAuthentication(db),

    bearer: async (token) => {
      if (isAccessToken(token)) return cliSession(token);
      if (isApiToken(token)) return apiToken(token);
      return issuedToken !== null && looksLikeJwt(token) ? issuedToken(token) : UNKNOWN_CREDENTIAL;
    },

    async provesBound(context, proof, request_hash) {
      const session = context.principal?.session;
      if (!session) return false;
      const used = await run(USE_PROOF, [secretHash(proof), session.session_id, request_hash]);
      return used.numAffectedRows === 1n;
    },
  };
}

/**
 * The tokens of a command line session, which stand in the place of a browser's cookie. An access token opens what the session may do, for
 * ten minutes; a refresh token gets the next pair, once. The session is the family: it has one line of refresh tokens, and ends whole.
 */
import { randomBytes } from 'node:crypto';
import { sql } from 'kysely';
import type { IssuedTokens } from '#contract/iam.ts';
import type { Tx } from '#server/db/database.ts';
import { ACCESS_TOKEN_LIFE_S, type RefreshTokenUse } from './device-sign-in-rules.ts';
import { newAccessToken, newRefreshToken, secretHash, successorOf } from './secret-values.ts';
import { SESSION_LIVE } from './session-rules.ts';

const ACCESS_LIFE = sql.raw(`interval '${ACCESS_TOKEN_LIFE_S} seconds'`);

/** Keeps an access token and a refresh token for a session, as hashes; neither outlives it. */
async function keepTokens(tx: Tx, session_id: string, refresh_token: string): Promise<IssuedTokens> {
  const access_token = newAccessToken();
  const { rows } = await sql<{
    expires_in: number;
  }>`with old as (delete from session_tokens where expires_at < now()),
    session as (select session_id, expires_at from sessions where session_id = ${session_id}::uuid),
    refresh as (insert into session_tokens (token_hash, session_id, kind, expires_at)
      select ${secretHash(refresh_token)}, session_id, 'refresh', expires_at from session on conflict (token_hash) do nothing)
    insert into session_tokens (token_hash, session_id, kind, expires_at)
      select ${secretHash(access_token)}, session_id, 'access', least(expires_at, now() + ${ACCESS_LIFE}) from session
    returning extract(epoch from expires_at - now())::integer as expires_in`.execute(tx);
  const [kept] = rows;
  if (!kept) throw new Error('Tokens were issued for a session that is not there.');
  return { access_token, token_type: 'Bearer', expires_in: kept.expires_in, refresh_token };
}

/** The first tokens of a session; tokens that it had are void. */
export async function startTokens(tx: Tx, session_id: string): Promise<IssuedTokens> {
  await tx.deleteFrom('session_tokens').where('session_id', '=', session_id).execute();
  return keepTokens(tx, session_id, newRefreshToken());
}

export interface TokenHolder {
  session_id: string;
  user_id: string;
  email: string;
  ip: string;
  /** The session has not ended and its user may sign in. */
  live: boolean;
  /** Somebody ended it, rather than time. */
  ended: boolean;
}

/** The session that a token belongs to, of either kind, locked until the transaction ends: its tokens take turns. */
export async function lockTokenHolder(tx: Tx, value: string): Promise<TokenHolder | undefined> {
  const { rows } = await sql<TokenHolder>`select s.session_id, s.user_id, u.email, s.ip,
      ${SESSION_LIVE} and u.status = 'active' as live, s.ended_at is not null as ended
    from sessions s join users u using (user_id)
    where s.session_id = (select session_id from session_tokens where token_hash = ${secretHash(value)}) for update of s`.execute(
    tx,
  );
  return rows[0];
}

/** How a refresh token was used until now; read it with its session locked. */
export async function readRefreshToken(
  tx: Tx,
  value: string,
): Promise<(RefreshTokenUse & { successor_salt: Buffer | null }) | undefined> {
  const { rows } = await sql<{ used_s: number | null; successor_salt: Buffer | null }>`select successor_salt,
      extract(epoch from now() - used_at)::double precision as used_s
    from session_tokens where token_hash = ${secretHash(value)} and kind = 'refresh'`.execute(tx);
  const [token] = rows;
  if (!token) return undefined;
  return { ...token, successor_used: await isSuccessorUsed(tx, value, token.successor_salt) };
}

async function isSuccessorUsed(tx: Tx, value: string, salt: Buffer | null): Promise<boolean> {
  if (salt === null) return false;
  const successor = await tx
    .selectFrom('session_tokens')
    .select('used_at')
    .where('token_hash', '=', secretHash(successorOf(value, salt)))
    .executeTakeFirst();
  return successor?.used_at !== null;
}

/** Uses a refresh token and answers the next pair: again the same refresh token when `salt` is that of its first use. */
export async function rotateTokens(
  tx: Tx,
  { session_id }: TokenHolder,
  value: string,
  salt: Buffer = randomBytes(32),
): Promise<IssuedTokens> {
  await sql`with session as (update sessions set last_seen_at = now() where session_id = ${session_id}::uuid)
    update session_tokens set used_at = now(), successor_salt = ${salt} where token_hash = ${secretHash(value)} and used_at is null`.execute(
    tx,
  );
  return keepTokens(tx, session_id, successorOf(value, salt));
}

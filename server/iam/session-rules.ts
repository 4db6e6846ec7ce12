/**
 * How long a session lives, and how PostgreSQL says which state one is in. Its clock decides: replicas' clocks differ.
 * OWASP Session Management: absolute 4 to 8 h and idle 15 to 30 min for high-value applications. An operator's shift is up to 12 h,
 * and a migration is watched for long without a click; step-up (5 minutes) guards what is dangerous, so ours are wider.
 */
import { sql } from 'kysely';

const SESSION_HOURS = 12;
const IDLE_HOURS = 2;

/** For how long a sign-in may lack its second factor. */
const PENDING_MINUTES = 10;

/** Absolute life. */
export const SESSION_LIFE = sql.raw(`interval '${SESSION_HOURS} hours'`);
export const PENDING_LIFE = sql.raw(`interval '${PENDING_MINUTES} minutes'`);
/** True when the session aliased `s` is past its absolute life or was not used for too long. */
export const SESSION_EXPIRED_SQL = `(s.expires_at <= now() or s.last_seen_at <= now() - interval '${IDLE_HOURS} hours')`;

/** The state of the session aliased `s`, as the contract names it. */
export const SESSION_STATE = sql.raw<'active' | 'pending' | 'expired' | 'revoked'>(
  `case when s.ended_at is not null then 'revoked' when ${SESSION_EXPIRED_SQL} then 'expired' when s.pending is not null then 'pending' else 'active' end`,
);
/** True when the session aliased `s` has not ended; a pending one may have a future. */
export const SESSION_LIVE = sql.raw<boolean>(`(s.ended_at is null and not ${SESSION_EXPIRED_SQL})`);

/**
 * Asks somebody for their password, everywhere the same: throttled, equally slow whether or not there is such a user, and a failure
 * audited with its true cause, which the answer does not give away.
 */
import { sql } from 'kysely';
import type { UserStatus } from '#contract/iam.ts';
import { recordEvent } from '#server/audit/audit-store.ts';
import type { Database } from '#server/db/database.ts';
import type { CallContext } from '#server/http/call-context.ts';
import { ControlError } from '#server/http/control-error.ts';
import { verifyPassword } from './password-hashing.ts';
import type { SignInThrottle } from './sign-in-throttle.ts';

export interface CredentialDeps {
  db: Database;
  throttle: SignInThrottle;
}

/** What is kept of a user for signing in. */
export interface Account {
  user_id: string;
  email: string;
  status: UserStatus;
  password_hash: string | null;
}

export interface CheckedAccount extends Account {
  /** The kept hash has other parameters than today's. */
  outdated: boolean;
}

interface Asked {
  /** The audit event's action. */
  action: string;
  /** Which count the attempt belongs to. A signed-in person has another than strangers who know only the email. */
  throttleKey: string;
  /** What failures name as their target. */
  target: { type: string; id: string };
  wrong: string;
}

/** The account, when the password is its own and it may sign in; else `invalid_credentials` or `rate_limited`. */
export async function checkPassword(
  { db, throttle }: CredentialDeps,
  context: CallContext,
  asked: Asked,
  account: Account | undefined,
  password: string,
): Promise<CheckedAccount> {
  return throttle.attempt(asked.throttleKey, context.ip, async (attempt) => {
    const { matches, outdated } = await verifyPassword(password, account?.password_hash ?? null);
    if (account && matches && account.status === 'active') {
      await attempt.succeeded();
      return { ...account, outdated };
    }
    const cause = account ? (matches ? `user_${account.status}` : 'wrong_password') : 'unknown_user';
    const closed_for_s = await attempt.failed();
    const details = { cause, user_id: account?.user_id ?? null, closed_for_s };
    await recordEvent(db, context, {
      action: asked.action,
      outcome: 'failed',
      target: asked.target,
      details,
    });
    throw new ControlError('invalid_credentials', asked.wrong);
  });
}

/**
 * Which count a sign-in by this email belongs to. Strangers who guess close the account for strangers; who comes from an address that
 * the account has signed in from lately has a count of their own, so that guessing cannot lock somebody out for good.
 */
export async function signInThrottleKey(
  db: Database,
  named: string,
  account: Account | undefined,
  ip: string | null,
): Promise<string> {
  if (!account || ip === null) return `login:${named}`;
  const known = await db
    .selectFrom('sessions')
    .select('session_id')
    .where('user_id', '=', account.user_id)
    .where('ip', '=', ip)
    .where('pending', 'is', null)
    .where('created_at', '>', sql<string>`now() - interval '30 days'`)
    .limit(1)
    .executeTakeFirst();
  return known ? `login:${named} ${ip}` : `login:${named}`;
}

/** People: a service account has nothing to sign in with. */
const accounts = (db: Database) =>
  db.selectFrom('users').select(['user_id', 'email', 'status', 'password_hash']).where('kind', '=', 'person');

/** Who signs in with this email. */
export const findAccountByEmail = (db: Database, email: string): Promise<Account | undefined> =>
  accounts(db)
    .where(sql`lower(email)`, '=', email.toLowerCase())
    .where('status', '<>', 'deleted')
    .executeTakeFirst();

export const findAccount = (db: Database, userId: string): Promise<Account | undefined> =>
  accounts(db).where('user_id', '=', userId).executeTakeFirst();

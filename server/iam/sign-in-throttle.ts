/**
 * Slows guessing down, counted in PostgreSQL so that it holds across replicas.
 *
 * - By account: five attempts may be under way or failed. The fifth failure in a row closes the account for 30 seconds and each later
 *   one for twice as long, up to 15 minutes. A right password opens it at once, but a closed account is not even asked.
 * - By address (one IPv4 address, or the /64 that one IPv6 customer has): 30 failures in 5 minutes, whatever the accounts.
 *
 * An attempt is counted before the password is looked at, so that a hundred at once are not a hundred guesses. Attempts on one account
 * take turns, so that a person who signs in many times at once (a script, many tabs) is not refused for what is not decided yet.
 */
import { hash } from 'node:crypto';
import { CompiledQuery } from 'kysely';
import { RateLimiterPostgres, RateLimiterRes } from 'rate-limiter-flexible';
import type { Database } from '#server/db/database.ts';
import { ControlError } from '#server/http/control-error.ts';
import { networkOf } from './ip-networks.ts';

const ALLOWED_FAILURES = 5;
const FIRST_CLOSED_S = 30;
const LONGEST_CLOSED_S = 900;
const STREAK_S = 24 * 3600;
const ADDRESS_FAILURES = 30;
const ADDRESS_WINDOW_S = 300;
/** Attempts on one account that wait for their turn in this process. */
const MAX_WAITING = 50;

export interface SignInAttempt {
  /** Counts a wrong password; answers for how many seconds the account is closed now, if it is. */
  failed(): Promise<number | null>;
  /** Forgets the account's failures. */
  succeeded(): Promise<void>;
}

export interface SignInThrottle {
  /** Runs one attempt on an account (any text that names it) from an address; `rate_limited` when there were too many. */
  attempt<T>(account: string, ip: string | null, work: (attempt: SignInAttempt) => Promise<T>): Promise<T>;
  /** Counts something that may happen so often a window, whoever asks for it; false when it was too often. */
  allows(what: string, times: number, windowS: number): Promise<boolean>;
  /** Opens a closed account: somebody has proved in another way that it is theirs. */
  forgive(account: string): Promise<void>;
}

export function createSignInThrottle(db: Database): SignInThrottle {
  // The part of a pg client that the limiter calls.
  const storeClient = {
    async query({ text, values }: { text: string; values: unknown[] }) {
      const { rows, numAffectedRows } = await db.executeQuery(CompiledQuery.raw(text, values));
      return { rows, rowCount: Number(numAffectedRows ?? rows.length) };
    },
  };
  const limiter = (keyPrefix: string, points: number, duration: number) =>
    new RateLimiterPostgres({
      storeClient,
      storeType: 'client',
      tableName: 'sign_in_throttle',
      tableCreated: true,
      keyPrefix,
      points,
      duration,
    });
  const accounts = limiter('account', ALLOWED_FAILURES, LONGEST_CLOSED_S);
  const streaks = limiter('streak', ALLOWED_FAILURES, STREAK_S);
  const addresses = limiter('address', ADDRESS_FAILURES, ADDRESS_WINDOW_S);

  return {
    attempt: (account, ip, work) => {
      const address = addressKey(ip);
      const key = keyOf(account);
      return inTurn(key, async () => {
        await consume(addresses, address, 'from this address');
        await consume(accounts, key, 'for this account');
        return work({
          async failed() {
            const closed_s = closedFor((await streaks.penalty(key)).consumedPoints);
            if (closed_s > 0) await accounts.block(key, closed_s);
            return closed_s > 0 ? closed_s : null;
          },
          async succeeded() {
            await Promise.all([accounts.delete(key), streaks.delete(key), addresses.reward(address)]);
          },
        });
      });
    },
    allows: (what, times, windowS) =>
      limiter('allowance', times, windowS)
        .consume(keyOf(what))
        .then(() => true, refusedOnly),
    async forgive(account) {
      const key = keyOf(account);
      await Promise.all([accounts.delete(key), streaks.delete(key)]);
    },
  };
}

/** Hashed: an account is named by what somebody typed, of any length and perhaps a password in the wrong field. */
const keyOf = (text: string): string => hash('sha256', text, 'base64url');

function refusedOnly(rejection: unknown): false {
  if (rejection instanceof RateLimiterRes) return false;
  throw rejection;
}

/** The last attempt of each account that has one under way, and how many stand in line. */
const lines = new Map<string, { last: Promise<unknown>; length: number }>();

async function inTurn<T>(key: string, work: () => Promise<T>): Promise<T> {
  const line = lines.get(key) ?? { last: Promise.resolve(), length: 0 };
  if (line.length >= MAX_WAITING) throw tooMany('for this account', 5);
  lines.set(key, line);
  line.length++;
  const turn = line.last.then(work);
  line.last = turn.catch(() => undefined);
  try {
    return await turn;
  } finally {
    if (--line.length === 0) lines.delete(key);
  }
}

async function consume(limiter: RateLimiterPostgres, key: string, where: string): Promise<void> {
  try {
    await limiter.consume(key);
  } catch (rejection) {
    if (!(rejection instanceof RateLimiterRes)) throw rejection;
    const seconds = Math.max(1, Math.ceil(rejection.msBeforeNext / 1000));
    throw tooMany(where, seconds);
  }
}

const tooMany = (where: string, seconds: number) =>
  new ControlError('rate_limited', `Too many failed attempts ${where}; try again in ${seconds} seconds.`, {
    headers: { 'retry-after': String(seconds) },
    details: { retry_after_s: seconds },
  });

/** For how many seconds an account is closed after so many failures in a row. */
export function closedFor(failures: number): number {
  if (failures < ALLOWED_FAILURES) return 0;
  return Math.min(FIRST_CLOSED_S * 2 ** (failures - ALLOWED_FAILURES), LONGEST_CLOSED_S);
}

/** What counts as one address: an IPv4 address, also when written as IPv6, or the first 64 bits of an IPv6 address. */
export function addressKey(ip: string | null): string {
  if (ip === null) return 'unknown';
  return networkOf(ip, { ipv4_prefix: 32, ipv6_prefix: 64 });
}

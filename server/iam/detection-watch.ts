/**
 * Looks every other second at what was written since the last look, failed sign-ins and new sessions, and records what is too much. Only
 * the replica that leads looks; up to when is kept, so that what happens while none leads is seen by the next.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { sql } from 'kysely';
import type { Database, Tx } from '#server/db/database.ts';
import { recordDetection, type Noticed } from './detection-store.ts';
import {
  failuresByAddress,
  isTooMany,
  type AddressFailures,
  type DetectionThresholds,
  type FailureCount,
} from './detection-rules.ts';
import { SESSION_LIVE } from './session-rules.ts';
import { addressKey } from './sign-in-throttle.ts';

const EVERY_MS = 2_000;
/** What is younger may stand in a transaction that has not committed. */
const SETTLE_S = 1;

/** After which moment is news, and up to when. */
interface Period {
  after: string;
  until: string;
}

interface DetectionWatchOptions {
  thresholds: DetectionThresholds;
  /** Whether this replica is the one that looks. */
  leads: () => boolean;
  log: { warn(details: object, text: string): void };
}

export interface DetectionWatch {
  stop(): Promise<void>;
}

export function startDetectionWatch(
  db: Database,
  { thresholds, leads, log }: DetectionWatchOptions,
): DetectionWatch {
  const stopping = new AbortController();
  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      if (leads())
        await lookForDetections(db, thresholds).catch((error: unknown) =>
          log.warn(
            { error: String(error) },
            'the look for suspicious activity broke off; it goes on from there',
          ),
        );
      await pause(EVERY_MS, undefined, { signal: stopping.signal, ref: false }).catch(() => undefined);
    }
  }
  const running = run();
  return {
    async stop() {
      stopping.abort();
      await running;
    },
  };
}

/** Looks once, from where the last look ended. What it finds and where it ended are one commit. */
export async function lookForDetections(
  db: Database,
  thresholds: DetectionThresholds,
  { settleS = SETTLE_S }: { settleS?: number } = {},
): Promise<void> {
  await db.transaction().execute(async (tx) => {
    const period = await lockPeriod(tx, settleS);
    const found = await fanOuts(tx, thresholds, period);
    if (await hasFailures(tx, period))
      found.push(
        ...(await failuresOfUsers(tx, thresholds, period)),
        ...(await failuresOfAddresses(tx, thresholds, period)),
      );
    for (const noticed of found) await recordDetection(tx, noticed);
    await sql`update detection_marks set looked_until = ${period.until}::timestamptz`.execute(tx);
  });
}

/** A control plane that was off for long does not raise what is old. */
async function lockPeriod(tx: Tx, settleS: number): Promise<Period> {
  const { rows } = await sql<Period>`select greatest(looked_until, now() - interval '1 hour') as after,
    greatest(looked_until, clock_timestamp() - make_interval(secs => ${settleS})) as until from detection_marks for update`.execute(
    tx,
  );
  const [period] = rows;
  if (!period) throw new Error('The mark of the last look is missing.');
  return period;
}

/** Most looks find none, and need not count those of the minutes before. */
async function hasFailures(tx: Tx, { after, until }: Period): Promise<boolean> {
  const { rows } = await sql`select 1 from audit_events where occurred_at > ${after}::timestamptz
    and occurred_at <= ${until}::timestamptz and outcome = 'failed' limit 1`.execute(tx);
  return rows.length > 0;
}

interface UserFailures extends FailureCount {
  kind: 'failed_sign_ins_account' | 'failed_second_factor';
  user_id: string;
  email: string;
  ip: string | null;
  addresses: number;
}

/** Wrong passwords, when signing in and when asked again; wrong second factors of whoever had the password. */
async function failuresOfUsers(
  tx: Tx,
  thresholds: DetectionThresholds,
  { after, until }: Period,
): Promise<Noticed[]> {
  const { failed_sign_ins_account: password, failed_second_factor: factor } = thresholds;
  const { rows } = await sql<UserFailures>`select failure.kind, u.user_id, u.email, count(*)::int as failures,
      (count(*) filter (where occurred_at > ${after}::timestamptz))::int as fresh,
      count(distinct ip)::int as addresses, (array_agg(ip order by sequence desc))[1] as ip
    from (
      select sequence, occurred_at, ip,
        case when details ? 'factor' then 'failed_second_factor' else 'failed_sign_ins_account' end as kind,
        case when details ? 'factor' then actor_id else details->>'user_id' end as user_id,
        case when details ? 'factor' then ${factor.window_s}::int else ${password.window_s}::int end as window_s
      from audit_events
      where occurred_at > ${until}::timestamptz - make_interval(secs => ${Math.max(password.window_s, factor.window_s)})
        and occurred_at <= ${until}::timestamptz and outcome = 'failed' and (details ? 'factor' or details->>'cause' = 'wrong_password')
    ) failure join users u on u.user_id::text = failure.user_id
    where occurred_at > ${until}::timestamptz - make_interval(secs => window_s)
    group by failure.kind, u.user_id, u.email`.execute(tx);
  return rows.flatMap(({ kind, user_id, email, ip, addresses, failures, fresh }) => {
    const { failures: threshold, window_s } = thresholds[kind];
    if (!isTooMany({ failures, fresh }, threshold)) return [];
    return {
      kind,
      subject: { type: 'user', id: user_id, label: email },
      user_id,
      ip,
      measured: failures,
      threshold,
      window_s,
      times: fresh,
      details: { addresses: String(addresses) },
    };
  });
}

/** Sign-ins that failed for whatever reason, of any account. */
async function failuresOfAddresses(
  tx: Tx,
  { failed_sign_ins_address: { failures: threshold, window_s } }: DetectionThresholds,
  { after, until }: Period,
): Promise<Noticed[]> {
  const { rows } = await sql<AddressFailures>`select ip, count(*)::int as failures,
      (count(*) filter (where occurred_at > ${after}::timestamptz))::int as fresh,
      array_agg(distinct target_id) as accounts
    from audit_events where occurred_at > ${until}::timestamptz - make_interval(secs => ${window_s})
      and occurred_at <= ${until}::timestamptz and outcome = 'failed' and action like 'iam.login%' and ip is not null
    group by ip order by max(sequence)`.execute(tx);
  return failuresByAddress(rows, addressKey)
    .filter((counted) => isTooMany(counted, threshold))
    .map(({ address, ip, failures, fresh, accounts }) => ({
      kind: 'failed_sign_ins_address',
      subject: { type: 'address', id: address, label: address },
      user_id: null,
      ip,
      measured: failures,
      threshold,
      window_s,
      times: fresh,
      details: { accounts: String(accounts.length) },
    }));
}

/** Users who have opened a session since the last look, and have more live ones than they should. */
async function fanOuts(
  tx: Tx,
  { session_fan_out: { sessions: threshold } }: DetectionThresholds,
  { after, until }: Period,
): Promise<Noticed[]> {
  const { rows } = await sql<{
    user_id: string;
    email: string;
    ip: string;
    live: number;
    addresses: number;
  }>`select s.user_id, u.email, count(*)::int as live, count(distinct s.ip)::int as addresses,
      (array_agg(s.ip order by s.created_at desc))[1] as ip
    from sessions s join users u using (user_id)
    where ${SESSION_LIVE} and s.pending is null and s.user_id in (
      select user_id from sessions where created_at > ${after}::timestamptz and created_at <= ${until}::timestamptz)
    group by s.user_id, u.email having count(*) > ${threshold}`.execute(tx);
  return rows.map(({ user_id, email, ip, live, addresses }) => ({
    kind: 'session_fan_out',
    subject: { type: 'user', id: user_id, label: email },
    user_id,
    ip,
    measured: live,
    threshold,
    details: { addresses: String(addresses) },
  }));
}

/** Requests of devices to be signed in, as rows. Both codes are kept as hashes. */
import { sql } from 'kysely';
import type { DeviceAuthorization, DeviceRequest } from '#contract/iam.ts';
import type { Database, Tx } from '#server/db/database.ts';
import type { CallContext } from '#server/http/call-context.ts';
import {
  DEVICE_CODE_LIFE_S,
  newUserCode,
  POLL_INTERVAL_S,
  POLL_TOLERANCE_S,
  SLOW_DOWN_S,
  type DeviceRequestState,
} from './device-sign-in-rules.ts';
import { newSecret, secretHash } from './secret-values.ts';

/** Keeps a new request and answers its codes; `session_id` is the session that asks to be confirmed. */
export async function insertDeviceRequest(
  db: Database,
  { ip, user_agent }: CallContext,
  { client_name, session_id }: { client_name: string; session_id: string | null },
): Promise<Pick<DeviceAuthorization, 'device_code' | 'user_code' | 'expires_in' | 'interval'>> {
  const device_code = newSecret();
  const user_code = newUserCode();
  await sql`with old as (delete from device_authorizations where expires_at < now() - interval '1 hour')
    insert into device_authorizations
      (device_code_hash, user_code_hash, session_id, client_name, ip, user_agent, interval_s, expires_at)
    values (${secretHash(device_code)}, ${secretHash(user_code)}, ${session_id}::uuid, ${client_name}, ${ip ?? 'unknown'}, ${user_agent ?? ''},
      ${POLL_INTERVAL_S}, now() + make_interval(secs => ${DEVICE_CODE_LIFE_S}))`.execute(db);
  return { device_code, user_code, expires_in: DEVICE_CODE_LIFE_S, interval: POLL_INTERVAL_S };
}

export interface OpenDeviceRequest extends DeviceRequest {
  /** Whose session asks to be confirmed. */
  asking_user_id: string | null;
}

/** The request that a user code stands for while it waits for a decision; with `lock` until the transaction ends. */
export async function findOpenRequest(
  db: Database,
  user_code: string,
  lock: boolean,
): Promise<OpenDeviceRequest | undefined> {
  const { rows } =
    await sql<OpenDeviceRequest>`select d.authorization_id, d.session_id, d.client_name, d.ip, d.user_agent,
      case when d.session_id is null then 'sign_in' else 'step_up' end as purpose, d.created_at, d.expires_at,
      (select s.user_id from sessions s where s.session_id = d.session_id) as asking_user_id
    from device_authorizations d
    where d.user_code_hash = ${secretHash(user_code)} and d.state = 'pending' and d.expires_at > now()
    ${lock ? sql`for update of d` : sql``}`.execute(db);
  return rows[0];
}

/** Writes the decision of the person of this session. */
export async function decideRequest(
  tx: Tx,
  authorization_id: string,
  state: 'approved' | 'denied',
  approved_by: string | null,
): Promise<void> {
  await tx
    .updateTable('device_authorizations')
    .set({ state, approved_by })
    .where('authorization_id', '=', authorization_id)
    .execute();
}

export interface PolledRequest extends DeviceRequestState {
  authorization_id: string;
  session_id: string | null;
  approved_by: string | null;
  client_name: string;
}

/** A device asks: notes when, and lengthens the interval of one that asks too early (RFC 8628 3.5). */
export async function pollRequest(db: Database, device_code: string): Promise<PolledRequest | undefined> {
  const { rows } = await sql<PolledRequest>`update device_authorizations set last_polled_at = now(),
      interval_s = interval_s + case when state = 'pending' and last_polled_at + make_interval(secs => interval_s - ${POLL_TOLERANCE_S}::double precision) > now()
        then ${SLOW_DOWN_S}::integer else 0 end
    where device_code_hash = ${secretHash(device_code)}
    returning authorization_id, session_id, approved_by, client_name, new.state, new.expires_at <= now() as expired,
      old.interval_s <> new.interval_s as early`.execute(db);
  return rows[0];
}

/** Uses an approved request up; false when another question was first. */
export async function useRequest(tx: Tx, authorization_id: string): Promise<boolean> {
  const { numUpdatedRows } = await tx
    .updateTable('device_authorizations')
    .set({ state: 'used' })
    .where('authorization_id', '=', authorization_id)
    .where('state', '=', 'approved')
    .where('expires_at', '>', sql<string>`now()`)
    .executeTakeFirst();
  return numUpdatedRows === 1n;
}

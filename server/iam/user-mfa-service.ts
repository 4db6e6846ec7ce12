/** What an administrator takes from a user who has lost a second factor, or may have lost it to somebody. */
import type { Database, Tx } from '#server/db/database.ts';
import { mutate } from '#server/db/mutate.ts';
import { principalOf, type CallContext } from '#server/http/call-context.ts';
import { assertHoldsGrants } from './grant-rules.ts';
import { removeRecoveryCodes } from './recovery-codes.ts';
import { endSessionsOf } from './session-store.ts';
import { assertUpkeep } from './user-state-rules.ts';
import { grantsOf, lockUser, readUser } from './user-store.ts';

/** Removes every second factor; answers what there was. */
export async function removeFactors(tx: Tx, user_id: string) {
  const totp = await tx
    .deleteFrom('totp_factors')
    .where('user_id', '=', user_id)
    .returning('confirmed_at')
    .execute();
  const passkeys = await tx.deleteFrom('passkeys').where('user_id', '=', user_id).returning('name').execute();
  const recovery_codes = await removeRecoveryCodes(tx, user_id);
  return {
    totp: totp.some(({ confirmed_at }) => confirmed_at !== null),
    passkeys: passkeys.map(({ name }) => name),
    recovery_codes,
  };
}

/** Takes all second factors away and ends all sessions; where a role demands one, the next sign-in enrols anew. */
export async function resetUserMfa(
  db: Database,
  context: CallContext,
  user_id: string,
  reason: string,
): Promise<{ job_id: string; sessions_ended: number }> {
  const { email } = await readUser(db, user_id);
  return mutate(
    db,
    context,
    {
      action: 'iam.users.reset_mfa',
      title: `Reset the second factors of ${email}`,
      permission: 'iam.users.update',
      target: { type: 'user', id: user_id },
      reason,
    },
    async (tx) => {
      await lockForUpkeep(tx, context, user_id, 'reset_mfa');
      const before = await removeFactors(tx, user_id);
      const sessions_ended = await endSessionsOf(tx, user_id, 'Second factors reset by an administrator');
      return { before, after: { totp: false, passkeys: [], recovery_codes: 0 }, result: { sessions_ended } };
    },
  );
}

export async function revokeRecoveryCodes(
  db: Database,
  context: CallContext,
  user_id: string,
  reason: string,
): Promise<{ job_id: string; revoked: number }> {
  const { email } = await readUser(db, user_id);
  return mutate(
    db,
    context,
    {
      action: 'iam.users.revoke_recovery_codes',
      title: `Void the recovery codes of ${email}`,
      permission: 'iam.users.update',
      target: { type: 'user', id: user_id },
      reason,
    },
    async (tx) => {
      await lockForUpkeep(tx, context, user_id, 'revoke_recovery_codes');
      const revoked = await removeRecoveryCodes(tx, user_id);
      return { before: { recovery_codes: revoked }, after: { recovery_codes: 0 }, result: { revoked } };
    },
  );
}

/** Weakening somebody's sign-in helps whoever has their password: only who may do all that they may can do it. */
async function lockForUpkeep(
  tx: Tx,
  context: CallContext,
  user_id: string,
  what: 'reset_mfa' | 'revoke_recovery_codes',
): Promise<void> {
  const user = await lockUser(tx, user_id);
  assertUpkeep(what, user);
  assertHoldsGrants(
    principalOf(context),
    await grantsOf(tx, user_id),
    `You cannot change how ${user.email} signs in: it opens what you may not do yourself`,
  );
}

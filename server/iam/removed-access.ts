/** What a user leaves behind: a tombstone keeps its name for the audit log, and nothing that lets anybody in. */
import { sql } from 'kysely';
import type { Tx } from '#server/db/database.ts';
import { removeFactors } from './user-mfa-service.ts';

/** Takes roles, tokens, second factors, linked accounts, links and the password; answers what there was, for the audit log. */
export async function removeAccess(tx: Tx, user_id: string) {
  const roles = await tx
    .deleteFrom('assignments')
    .where('user_id', '=', user_id)
    .returning(['role_id', 'tenant_id', 'environment'])
    .execute();
  const tokens = await tx
    .updateTable('api_tokens')
    .set({ revoked_at: sql`now()` })
    .where('user_id', '=', user_id)
    .where('revoked_at', 'is', null)
    .returning('prefix')
    .execute();
  const factors = await removeFactors(tx, user_id);
  const identities = await tx
    .deleteFrom('linked_identities')
    .where('user_id', '=', user_id)
    .returning(['provider_id', 'subject'])
    .execute();
  await tx.deleteFrom('one_time_secrets').where('user_id', '=', user_id).execute();
  await tx.updateTable('users').set({ password_hash: null }).where('user_id', '=', user_id).execute();
  return { roles, api_access: tokens.map(({ prefix }) => prefix), identities, ...factors };
}

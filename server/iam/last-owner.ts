/**
 * Somebody can always give and take everything: the last active person with the role `owner` everywhere and for good stays; one whose
 * role will expire does not count, since time would take it without asking, nor does a service account, which cannot sign in. Whoever is about to take
 * one away first locks the role's row, so that two at once cannot each count on the other's owner.
 */
import { sql } from 'kysely';
import type { Database, Tx } from '#server/db/database.ts';

/** Lets one transaction at a time take owners away. Lock this before any user or assignment. */
export async function lockOwnership(tx: Tx): Promise<void> {
  await tx.selectFrom('roles').select('role_id').where('role_id', '=', 'owner').forNoKeyUpdate().execute();
}

/** Whether this person is an active owner for good and there is no other. */
export async function isLastOwner(tx: Database, userId: string): Promise<boolean> {
  const { rows } = await sql<{
    user_id: string;
  }>`select distinct a.user_id from assignments a join users u using (user_id)
    where a.role_id = 'owner' and a.tenant_id is null and a.environment is null and a.expires_at is null and u.kind = 'person' and u.status = 'active' limit 2`.execute(
    tx,
  );
  return rows.length === 1 && rows[0]?.user_id === userId;
}

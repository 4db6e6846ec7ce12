import { sql } from 'kysely';
import type { Database } from '#server/db/database.ts';
import { ASSIGNMENT_LIVE } from './assignment-store.ts';
import type { SignInFacts } from './sign-in-policy-rules.ts';

/** What somebody can sign in with besides a password, and what their roles demand. */
export async function readSignInFacts(db: Database, user_id: string): Promise<SignInFacts> {
  const { rows } = await sql<SignInFacts>`select
      exists (select from totp_factors where user_id = ${user_id}::uuid and confirmed_at is not null) as totp,
      (select count(*)::integer from passkeys where user_id = ${user_id}::uuid) as passkeys,
      (select count(*)::integer from recovery_codes where user_id = ${user_id}::uuid and used_at is null) as recovery_codes,
      coalesce((select json_agg(json_build_object('role_id', p.role_id, 'methods', p.methods, 'mfa_required', p.mfa_required) order by p.role_id)
        from role_sign_in_policies p where p.role_id in (select a.role_id from assignments a where a.user_id = ${user_id}::uuid and ${ASSIGNMENT_LIVE})), '[]') as policies`.execute(
    db,
  );
  const [facts] = rows;
  if (!facts) throw new Error('A query without a table answered no row.');
  return facts;
}

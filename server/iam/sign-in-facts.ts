import { sql, type RawBuilder } from 'kysely';
import type { Database } from '#server/db/database.ts';
import { ASSIGNMENT_LIVE } from './assignment-store.ts';
import type { SignInFacts, WaysIn } from './sign-in-policy-rules.ts';

const factsOf = (user_id: RawBuilder<unknown>) => sql`
      exists (select from totp_factors where user_id = ${user_id} and confirmed_at is not null) as totp,
      (select count(*)::integer from passkeys where user_id = ${user_id}) as passkeys,
      (select count(*)::integer from recovery_codes where user_id = ${user_id} and used_at is null) as recovery_codes,
      coalesce((select json_agg(json_build_object('role_id', p.role_id, 'methods', p.methods, 'mfa_required', p.mfa_required) order by p.role_id)
        from role_sign_in_policies p where p.role_id in (select a.role_id from assignments a where a.user_id = ${user_id} and ${ASSIGNMENT_LIVE})), '[]') as policies`;

/** What somebody can sign in with besides a password, and what their roles demand. */
export async function readSignInFacts(db: Database, user_id: string): Promise<SignInFacts> {
  const { rows } = await sql<SignInFacts>`select ${factsOf(sql`${user_id}::uuid`)}`.execute(db);
  const [facts] = rows;
  if (!facts) throw new Error('A query without a table answered no row.');
  return facts;
}

export interface RoleHolder extends WaysIn {
  user_id: string;
  email: string;
  display_name: string;
}

/** Those who have the role now and may sign in, by email. */
export async function readRoleHolders(db: Database, role_id: string): Promise<RoleHolder[]> {
  const { rows } =
    await sql<RoleHolder>`select u.user_id, u.email, u.display_name, u.password_hash is not null as password,
      (select count(*)::integer from linked_identities l where l.user_id = u.user_id) as identities, ${factsOf(sql`u.user_id`)}
    from users u where u.kind = 'person' and u.status in ('invited', 'active', 'suspended')
      and u.user_id in (select a.user_id from assignments a where a.role_id = ${role_id} and ${ASSIGNMENT_LIVE})
    order by u.email`.execute(db);
  return rows;
}

/** What other domains may read of people: who somebody is and what they hold now, without their asking. */
import { sql } from 'kysely';
import type { Grant, UserStatus } from '#contract/iam.ts';
import type { PermissionScope } from '#contract/permission-rules.ts';
import type { Database } from '#server/db/database.ts';
import type { Principal } from '#server/http/call-context.ts';
import { ASSIGNMENT_LIVE } from './assignment-store.ts';

export interface PersonFacts {
  user_id: string;
  email: string;
  status: UserStatus;
  kind: 'person' | 'service_account';
  grants: Grant[];
}

const person = sql`u.user_id, u.email, u.status, u.kind, coalesce((
    select json_agg(json_build_object('role_id', a.role_id, 'permissions', r.permissions, 'tenant_id', a.tenant_id, 'environment', a.environment, 'expires_at', a.expires_at))
    from assignments a join roles r using (role_id) where a.user_id = u.user_id and ${ASSIGNMENT_LIVE}), '[]') as grants`;

/** These people with what they hold now. */
export async function readPeople(db: Database, userIds: readonly string[]): Promise<PersonFacts[]> {
  if (userIds.length === 0) return [];
  const { rows } =
    await sql<PersonFacts>`select ${person} from users u where u.user_id = any(${userIds}::uuid[])`.execute(
      db,
    );
  return rows;
}

/** Active users who have one of the roles somewhere, with all that they hold. */
export async function readHoldersOfRoles(db: Database, roleIds: readonly string[]): Promise<PersonFacts[]> {
  const { rows } =
    await sql<PersonFacts>`select ${person} from users u where u.status = 'active' and u.user_id in (
      select a.user_id from assignments a where a.role_id = any(${roleIds}::text[]) and ${ASSIGNMENT_LIVE})`.execute(
      db,
    );
  return rows;
}

/** Every role with its permissions. */
export async function readRolePermissions(
  db: Database,
): Promise<{ role_id: string; permissions: string[] }[]> {
  return db.selectFrom('roles').select(['role_id', 'permissions']).execute();
}

/** The principal of a user or of their token as it is now, or why there is none any more. */
export async function readPrincipal(
  db: Database,
  user_id: string,
  token_id: string | null,
): Promise<{ principal: Principal } | { gone: string }> {
  const [found] = await readPeople(db, [user_id]);
  if (found?.status !== 'active')
    return { gone: `${found?.email ?? 'The requester'} is not active any more` };
  const { email, grants } = found;
  const user = { user_id, session: null, impersonation: null, grants };
  if (token_id === null)
    return { principal: { type: 'user', principal_id: user_id, label: email, token: null, ...user } };
  const { rows } = await sql<
    PermissionScope & { token_id: string; name: string; permissions: string[]; live: boolean }
  >`select token_id, name, permissions, tenant_id, environment, revoked_at is null and expires_at > now() as live
    from api_tokens where token_id = ${token_id}::uuid and user_id = ${user_id}::uuid`.execute(db);
  const [row] = rows;
  if (!row?.live) return { gone: `The API token ${row?.name ?? ''} of ${email} is not valid any more` };
  const { name, permissions, tenant_id, environment } = row;
  const token = { token_id, name, permissions, tenant_id, environment };
  return {
    principal: {
      type: 'api_token',
      principal_id: token_id,
      label: `${email} (${name})`,
      token,
      ...user,
    },
  };
}

/** Who made API tokens of a service account, which acts by nothing else. */
export async function readTokenMakers(db: Database, user_id: string): Promise<string[]> {
  const { rows } = await sql<{ user_id: string }>`select distinct u.user_id from api_tokens t
    join users u on lower(u.email) = lower(regexp_replace(t.created_by, ' \\(.*$', '')) where t.user_id = ${user_id}::uuid`.execute(
    db,
  );
  return rows.map((row) => row.user_id);
}

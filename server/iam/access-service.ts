/** What somebody may do and why, and what a change of a role or an assignment would do to whom. Nothing here changes anything. */
import { sql, type RawBuilder } from 'kysely';
import {
  PREVIEW_USERS,
  type AccessPreview,
  type AffectedUser,
  type EffectivePermissions,
  type UserStatus,
} from '#contract/iam.ts';
import type { PermissionScope } from '#contract/permission-rules.ts';
import type { Database } from '#server/db/database.ts';
import { principalOf, type CallContext } from '#server/http/call-context.ts';
import { ControlError, notFound } from '#server/http/control-error.ts';
import { assertFuture, assertOwnerLeft } from './assignment-service.ts';
import { ASSIGNMENT_LIVE, findAssignment } from './assignment-store.ts';
import { compareGrants, explainPermissions, type HeldRole } from './effective-permission-rules.ts';
import { assertHolds, assertHoldsUntil, assertKnown, describeScope, scopeOf } from './grant-rules.ts';
import { assertMayHold, assertOwn } from './role-service.ts';
import { readRole } from './role-store.ts';
import { SESSION_LIVE } from './session-rules.ts';

interface Holder {
  user_id: string;
  email: string;
  display_name: string;
  status: UserStatus;
  held: HeldRole[];
  session_count: number;
  token_count: number;
}

/** The users that fit the condition on `u`, by email, each with all roles that count now. */
async function readHolders(db: Database, which: RawBuilder<boolean>): Promise<Holder[]> {
  const { rows } = await sql<Holder>`select u.user_id, u.email, u.display_name, u.status,
      coalesce((select json_agg(json_build_object('assignment_id', a.assignment_id, 'role_id', a.role_id, 'role_title', r.title,
          'permissions', r.permissions, 'tenant_id', a.tenant_id, 'environment', a.environment, 'expires_at', a.expires_at) order by a.assignment_id)
        from assignments a join roles r using (role_id) where a.user_id = u.user_id and ${ASSIGNMENT_LIVE}), '[]') as held,
      (select count(*) from sessions s where s.user_id = u.user_id and ${SESSION_LIVE})::integer as session_count,
      (select count(*) from api_tokens t where t.user_id = u.user_id and t.revoked_at is null and t.expires_at > now())::integer as token_count
    from users u where ${which} order by u.email`.execute(db);
  return rows;
}

async function readHolder(db: Database, userId: string): Promise<Holder> {
  const [holder] = await readHolders(db, sql`u.user_id = ${userId}::uuid`);
  if (!holder) throw notFound('user', userId);
  return holder;
}

/** What a user's roles allow, with every reason. */
export async function explainUser(db: Database, userId: string): Promise<EffectivePermissions> {
  const { email, status, held } = await readHolder(db, userId);
  const principal = { type: 'user' as const, label: email, may_act: status === 'active' };
  return { principal, items: explainPermissions(held, null) };
}

/** What an API token may do: what its user may, within its own limits. */
export async function explainToken(db: Database, tokenId: string): Promise<EffectivePermissions> {
  const { rows } = await sql<
    PermissionScope & { user_id: string; name: string; permissions: string[]; live: boolean }
  >`
    select user_id, name, permissions, tenant_id, environment, revoked_at is null and expires_at > now() as live
    from api_tokens where token_id = ${tokenId}::uuid`.execute(db);
  const [token] = rows;
  if (!token) throw notFound('API token', tokenId);
  const { email, status, held } = await readHolder(db, token.user_id);
  const may_act = token.live && status === 'active';
  const principal = { type: 'api_token' as const, label: `${email} (${token.name})`, may_act };
  return { principal, items: explainPermissions(held, token) };
}

/** What would happen to everybody who has the role if it held these permissions. */
export async function previewRoleChange(
  db: Database,
  context: CallContext,
  roleId: string,
  { permissions }: { permissions: string[] },
): Promise<AccessPreview> {
  assertKnown(permissions);
  const role = await readRole(db, roleId);
  const blockers = await blockersOf([
    () => assertOwn(role, 'changed'),
    () => assertMayHold(principalOf(context), role, permissions),
  ]);
  const holders = await readHolders(
    db,
    sql`u.user_id in (select a.user_id from assignments a where a.role_id = ${roleId} and ${ASSIGNMENT_LIVE})`,
  );
  return summary(blockers, holders, (held) =>
    held.map((one) => (one.role_id === roleId ? { ...one, permissions } : one)),
  );
}

interface AskedAssignment {
  user_id: string;
  role_id: string;
  tenant_id?: string | null | undefined;
  environment?: string | null | undefined;
  expires_at?: string | null | undefined;
}

/** What a user would gain by a role. */
export async function previewAssignment(
  db: Database,
  context: CallContext,
  environmentNames: readonly string[],
  { user_id, role_id, expires_at = null, ...asked }: AskedAssignment,
): Promise<AccessPreview> {
  const scope = scopeOf(asked, environmentNames);
  const where = describeScope(scope);
  const [role, holder] = await Promise.all([readRole(db, role_id), readHolder(db, user_id)]);
  if (holder.status === 'deleted') throw notFound('user', user_id);
  const { permissions, title: role_title } = role;
  const blockers = await blockersOf([
    () => assertFuture(db, expires_at),
    () =>
      assertHoldsUntil(
        principalOf(context),
        permissions,
        scope,
        expires_at,
        `You cannot give role ${role_id} ${where}`,
      ),
    () => assertNotHeld(holder, role_id, scope),
  ]);
  const given = { assignment_id: '', role_id, role_title, permissions, expires_at, ...scope };
  return summary(blockers, [holder], (held) => [...held, given]);
}

/** What a user gains by a role that they are given, or that goes on; held already, it adds nothing. */
export async function previewOfGivenRole(
  db: Database,
  given: PermissionScope & { user_id: string; role_id: string; expires_at: string | null },
  blockersIn: (permissions: readonly string[]) => Promise<AccessPreview['blockers']>,
): Promise<AccessPreview> {
  const { user_id, role_id, tenant_id, environment, expires_at } = given;
  const [role, holder] = await Promise.all([readRole(db, role_id), readHolder(db, user_id)]);
  const { permissions, title: role_title } = role;
  const blockers = await blockersIn(permissions);
  const added = { assignment_id: '', role_id, role_title, permissions, expires_at, tenant_id, environment };
  return summary(blockers, [holder], (held) => [...held, added]);
}

function assertNotHeld(
  { held, email }: Holder,
  roleId: string,
  { tenant_id, environment }: PermissionScope,
): void {
  const same = held.some(
    (one) => one.role_id === roleId && one.tenant_id === tenant_id && one.environment === environment,
  );
  if (same)
    throw new ControlError(
      'already_exists',
      `${email} has role ${roleId} ${describeScope({ tenant_id, environment })} already.`,
    );
}

/** What a user would lose with an assignment. */
export async function previewUnassignment(
  db: Database,
  context: CallContext,
  assignmentId: string,
): Promise<AccessPreview> {
  const named = await findAssignment(db, assignmentId);
  if (!named) throw notFound('assignment', assignmentId);
  const { permissions } = await readRole(db, named.role_id);
  const { tenant_id, environment } = named;
  const scope = { tenant_id, environment };
  const why = `You cannot take role ${named.role_id} ${describeScope(named)}`;
  const blockers = await blockersOf([
    () => assertHolds(principalOf(context), permissions, scope, why),
    () => assertOwnerLeft(db, named),
  ]);
  const holder = await readHolder(db, named.user_id);
  return summary(blockers, [holder], (held) =>
    held.filter(({ assignment_id }) => assignment_id !== assignmentId),
  );
}

/** The same checks as the change itself makes, each refusal as a blocker. */
export async function blockersOf(checks: readonly (() => unknown)[]): Promise<AccessPreview['blockers']> {
  const blockers: AccessPreview['blockers'] = [];
  for (const check of checks) {
    try {
      await check();
    } catch (error) {
      if (!(error instanceof ControlError)) throw error;
      blockers.push({ code: error.code, detail: error.message });
    }
  }
  return blockers;
}

function summary(
  blockers: AccessPreview['blockers'],
  holders: readonly Holder[],
  change: (held: readonly HeldRole[]) => readonly HeldRole[],
): AccessPreview {
  const affected = holders.flatMap(({ held, ...user }): AffectedUser[] => {
    const { gains, loses } = compareGrants(held, change(held));
    return gains.length + loses.length === 0 ? [] : [{ ...user, gains, loses }];
  });
  const sum = (of: (user: AffectedUser) => number) => affected.reduce((total, user) => total + of(user), 0);
  return {
    blockers,
    users: affected.slice(0, PREVIEW_USERS),
    user_count: affected.length,
    unchanged_count: holders.length - affected.length,
    session_count: sum((user) => user.session_count),
    token_count: sum((user) => user.token_count),
  };
}

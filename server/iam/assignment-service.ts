/** Who has which role, and where. Nobody gives or takes a role that allows more, there, than they may themselves. */
import { randomUUIDv7 } from 'node:crypto';
import { sql, type RawBuilder } from 'kysely';
import type { Page } from '#contract/common.ts';
import type { Assignment } from '#contract/iam.ts';
import type { Database, Tx } from '#server/db/database.ts';
import { mutate } from '#server/db/mutate.ts';
import { principalOf, type CallContext } from '#server/http/call-context.ts';
import { ControlError, notFound } from '#server/http/control-error.ts';
import { boundedTotal, keysetPage, pageOf, TOTAL_BOUND, type ListRequest } from '#server/http/cursor.ts';
import { insteadOf } from './constraint-problems.ts';
import { assertHolds, describeScope, scopeOf } from './grant-rules.ts';
import { isLastOwner, lockOwnership } from './last-owner.ts';

export interface AssignmentFilter extends ListRequest {
  user_id?: string | undefined;
  role_id?: string | undefined;
  tenant_id?: string | undefined;
  environment?: string | undefined;
}

const assignment = sql`a.assignment_id, a.user_id, u.email as user_email, a.role_id, a.tenant_id, a.environment, a.created_by, a.created_at`;

/** A page of assignments that fit the filter, newest first unless asked otherwise. */
export async function listAssignments(db: Database, filter: AssignmentFilter): Promise<Page<Assignment>> {
  const created_at = { column: sql`a.created_at`, type: 'timestamptz' } as const;
  const page = keysetPage(
    filter,
    { created_at },
    { column: sql`a.assignment_id`, type: 'uuid' },
    '-created_at',
  );
  const conditions: RawBuilder<boolean>[] = [sql`true`];
  if (filter.user_id) conditions.push(sql`a.user_id = ${filter.user_id}::uuid`);
  for (const column of ['role_id', 'tenant_id', 'environment'] as const) {
    if (filter[column]) conditions.push(sql`${sql.ref(`a.${column}`)} = ${filter[column]}`);
  }
  const where = sql.join(conditions, sql` and `);
  const [rows, total] = await Promise.all([
    sql<Assignment>`select ${assignment} from assignments a join users u using (user_id)
      where ${where} and ${page.condition} order by ${page.orderBy} limit ${page.limit + 1}`.execute(db),
    sql<{
      count: number;
    }>`select count(*) from (select from assignments a where ${where} limit ${TOTAL_BOUND + 1}) counted`.execute(
      db,
    ),
  ]);
  return {
    ...pageOf(rows.rows, page, (row) => [row.created_at, row.assignment_id]),
    total: boundedTotal(total.rows[0]?.count ?? 0),
  };
}

interface NewAssignment {
  user_id: string;
  role_id: string;
  tenant_id?: string | null | undefined;
  environment?: string | null | undefined;
  reason?: string | undefined;
}

/** Gives a role to a user, everywhere or in a scope. */
export async function createAssignment(
  db: Database,
  context: CallContext,
  environmentNames: readonly string[],
  { user_id, role_id, reason, ...asked }: NewAssignment,
): Promise<{ job_id: string; assignment: Assignment }> {
  const scope = scopeOf(asked, environmentNames);
  const where = describeScope(scope);
  const assignment_id = randomUUIDv7();
  const target = { type: 'assignment', id: assignment_id };
  return mutate(
    db,
    context,
    {
      action: 'iam.assignments.create',
      title: `Give role ${role_id} ${where}`,
      permission: 'iam.roles.assign',
      target,
      ...scope,
      reason,
    },
    async (tx) => {
      const { permissions } = await shareRole(tx, role_id);
      const { email } = await shareUser(tx, user_id);
      assertHolds(principalOf(context), permissions, scope, `You cannot give role ${role_id} ${where}`);
      const created_by = principalOf(context).label;
      await tx
        .insertInto('assignments')
        .values({ assignment_id, user_id, role_id, ...scope, created_by })
        .execute();
      const given = await findAssignment(tx, assignment_id);
      if (!given) throw notFound('assignment', assignment_id);
      return {
        after: { user_id, user_email: email, role_id, ...scope, permissions },
        result: { assignment: given },
      };
    },
  ).catch(
    insteadOf(
      'assignments_once',
      () => new ControlError('already_exists', `The user has role ${role_id} ${where} already.`),
    ),
  );
}

/** Takes a role away; the last owner keeps theirs. */
export async function deleteAssignment(
  db: Database,
  context: CallContext,
  assignmentId: string,
  reason: string,
): Promise<{ job_id: string }> {
  const named = await findAssignment(db, assignmentId);
  if (!named) throw notFound('assignment', assignmentId);
  const { tenant_id, environment } = named;
  const where = describeScope(named);
  const title = `Take role ${named.role_id} ${where} from ${named.user_email}`;
  const target = { type: 'assignment', id: assignmentId };
  return mutate(
    db,
    context,
    {
      action: 'iam.assignments.delete',
      title,
      permission: 'iam.roles.assign',
      target,
      tenant_id,
      environment,
      reason,
    },
    async (tx) => {
      await lockOwnership(tx);
      const { permissions } = await shareRole(tx, named.role_id);
      assertHolds(
        principalOf(context),
        permissions,
        { tenant_id, environment },
        `You cannot take role ${named.role_id} ${where}`,
      );
      const global = tenant_id === null && environment === null;
      if (named.role_id === 'owner' && global && (await isLastOwner(tx, named.user_id))) {
        throw new ControlError(
          'conflict',
          `${named.user_email} is the last active owner; make somebody else an owner first.`,
        );
      }
      const removed = await tx
        .deleteFrom('assignments')
        .where('assignment_id', '=', assignmentId)
        .returning('assignment_id')
        .executeTakeFirst();
      if (!removed) throw notFound('assignment', assignmentId);
      const { user_id, user_email, role_id } = named;
      return { before: { user_id, user_email, role_id, tenant_id, environment, permissions }, result: {} };
    },
  );
}

async function findAssignment(db: Database, assignmentId: string): Promise<Assignment | undefined> {
  const { rows } = await sql<Assignment>`select ${assignment} from assignments a join users u using (user_id)
    where a.assignment_id = ${assignmentId}::uuid`.execute(db);
  return rows[0];
}

/** The role, which neither changes nor goes until the transaction ends. */
async function shareRole(tx: Tx, roleId: string): Promise<{ permissions: string[] }> {
  const role = await tx
    .selectFrom('roles')
    .select('permissions')
    .where('role_id', '=', roleId)
    .forShare()
    .executeTakeFirst();
  if (!role) throw notFound('role', roleId);
  return role;
}

/** The user, who is not deleted and will not be until the transaction ends. */
async function shareUser(tx: Tx, userId: string): Promise<{ email: string }> {
  const user = await tx
    .selectFrom('users')
    .select('email')
    .where('user_id', '=', userId)
    .where('status', '<>', 'deleted')
    .forShare()
    .executeTakeFirst();
  if (!user) throw notFound('user', userId);
  return user;
}

/** What approvals need to know of changes of roles: the plan is made of the access preview, and rests on the role's revision. */
import { createAssignment, updateRole, type AccessPreview, type ScopedPermission } from '#contract/iam.ts';
import type { Change, Check, PlanDraft } from '#contract/jobs.ts';
import type { Database } from '#server/db/database.ts';
import { diffOf } from '#server/audit/audit-diff.ts';
import { approvable, type ApprovableOperation } from '#server/http/approvable-operation.ts';
import { previewAssignment, previewRoleChange } from './access-service.ts';
import { describeScope, scopeOf } from './grant-rules.ts';
import { assertRevision } from './revision-rules.ts';
import { readRole } from './role-store.ts';

type Subject = Check['subject'];

/** The change of a role, and the giving of one. */
export const roleOperations = (db: Database, environmentNames: readonly string[]): ApprovableOperation[] => [
  approvable(updateRole, {
    // A role may be given anywhere.
    scope: () => ({ tenant_id: null, environment: null }),
    subjectKey: ({ params }) => params.role_id,
    plan: async (context, { params, body, if_match }) => {
      const role = await readRole(db, params.role_id);
      assertRevision('role', role.revision, if_match);
      const preview = await previewRoleChange(db, context, params.role_id, body);
      const content = ({ title, description, permissions }: typeof body | typeof role) => ({
        title,
        description,
        permissions,
      });
      return draftOf({
        kind: updateRole.id,
        title: `Change role ${role.role_id}`,
        target: { type: 'role', id: role.role_id },
        input: content(body),
        changes: diffOf(content(role), content(body)),
        preview,
        revisions: { role: role.revision },
        rollback: 'Change the role back to what it was',
      });
    },
  }),
  approvable(createAssignment, {
    scope: ({ body }) => scopeOf(body, environmentNames),
    subjectKey: ({ body }) =>
      [body.user_id, body.role_id, body.tenant_id ?? '', body.environment ?? ''].join(' '),
    plan: async (context, { body }) => {
      const { user_id, role_id, expires_at = null } = body;
      const scope = scopeOf(body, environmentNames);
      const preview = await previewAssignment(db, context, environmentNames, body);
      const role = await readRole(db, role_id);
      const { email } = await db
        .selectFrom('users')
        .select('email')
        .where('user_id', '=', user_id)
        .executeTakeFirstOrThrow();
      return {
        ...draftOf({
          kind: createAssignment.id,
          title: `Give role ${role_id} ${describeScope(scope)} to ${email}`,
          target: { type: 'user', id: user_id },
          input: { user_id, role_id, expires_at, ...scope },
          changes: diffOf(null, {
            user: email,
            role: role_id,
            where: describeScope(scope),
            until: expires_at,
          }),
          preview,
          revisions: { role: role.revision },
          rollback: 'Take the role away',
        }),
        environment: scope.environment,
      };
    },
  }),
];

function draftOf({
  preview,
  ...draft
}: Pick<PlanDraft, 'kind' | 'title' | 'target' | 'input' | 'changes' | 'revisions' | 'rollback'> & {
  preview: AccessPreview;
}): PlanDraft {
  return {
    ...draft,
    environment: null,
    steps: [],
    changes: [...draft.changes, ...preview.users.map(accessChange), ...others(preview)],
    checks: preview.blockers.map((blocker) => blockerCheck(blocker, draft.target)),
    blast_radius: { tenants: [], nodes: [], services: [] },
  };
}

const blockerCheck = ({ code, detail }: AccessPreview['blockers'][number], subject: Subject): Check => ({
  code,
  level: 'blocker',
  message: detail,
  subject,
  figure: null,
  threshold: null,
  unit: null,
});

/** What somebody gains and loses: whom it touches is a part of what is approved. */
const accessChange = ({ email, gains, loses }: AccessPreview['users'][number]): Change => ({
  path: `access of ${email}`,
  before: loses.length === 0 ? null : loses.map(named),
  after: gains.length === 0 ? null : gains.map(named),
});
const named = ({ permission, ...scope }: ScopedPermission): string => `${permission} ${describeScope(scope)}`;

const others = ({ users, user_count }: AccessPreview): Change[] =>
  user_count > users.length
    ? [{ path: 'access of others', before: null, after: `${user_count - users.length} more users` }]
    : [];

/** How those who have a role may sign in: read, tried out, and set. */
import {
  PREVIEW_USERS,
  SIGN_IN_EFFECTS,
  SIGN_IN_METHODS,
  type SignInEffect,
  type SignInMethod,
  type SignInPolicy,
  type SignInPolicyPreview,
} from '#contract/iam.ts';
import type { Database } from '#server/db/database.ts';
import { mutate } from '#server/db/mutate.ts';
import type { CallContext } from '#server/http/call-context.ts';
import { ControlError } from '#server/http/control-error.ts';
import { blockersOf } from './access-service.ts';
import { readRole } from './role-store.ts';
import { readRoleHolders } from './sign-in-facts.ts';
import { effectOfPolicy } from './sign-in-policy-rules.ts';

/** The policy of a role; without one every way is open. */
export async function readSignInPolicy(db: Database, role_id: string): Promise<SignInPolicy> {
  await readRole(db, role_id);
  const kept = await db
    .selectFrom('role_sign_in_policies')
    .select(['methods', 'mfa_required'])
    .where('role_id', '=', role_id)
    .executeTakeFirst();
  return {
    role_id,
    methods: (kept?.methods as SignInMethod[] | undefined) ?? [...SIGN_IN_METHODS],
    mfa_required: kept?.mfa_required ?? false,
  };
}

export async function setSignInPolicy(
  db: Database,
  context: CallContext,
  role_id: string,
  { methods, mfa_required, reason }: { methods: SignInMethod[]; mfa_required: boolean; reason: string },
): Promise<{ job_id: string; policy: SignInPolicy }> {
  assertOwnersGetIn(role_id, methods);
  const before = await readSignInPolicy(db, role_id);
  return mutate(
    db,
    context,
    {
      action: 'iam.roles.sign_in_policy.set',
      title: `Set how ${role_id} signs in`,
      permission: 'iam.roles.update',
      target: { type: 'role', id: role_id },
      reason,
    },
    async (tx) => {
      await tx
        .insertInto('role_sign_in_policies')
        .values({ role_id, methods, mfa_required })
        .onConflict((conflict) => conflict.column('role_id').doUpdateSet({ methods, mfa_required }))
        .execute();
      const policy = { role_id, methods, mfa_required };
      return { before, after: policy, result: { policy } };
    },
  );
}

/** What the policy would do to everybody who has the role. */
export async function previewSignInPolicy(
  db: Database,
  role_id: string,
  { methods, mfa_required }: Omit<SignInPolicy, 'role_id'>,
): Promise<SignInPolicyPreview> {
  await readRole(db, role_id);
  const blockers = await blockersOf([() => assertOwnersGetIn(role_id, methods)]);
  const holders = await readRoleHolders(db, role_id);
  const byEffect = Map.groupBy(holders, (holder) =>
    effectOfPolicy(holder, { role_id, methods, mfa_required }),
  );
  const countOf = (effect: SignInEffect) => byEffect.get(effect)?.length ?? 0;
  return {
    blockers,
    users: SIGN_IN_EFFECTS.flatMap((effect) =>
      (byEffect.get(effect) ?? []).map(({ user_id, email, display_name }) => ({
        user_id,
        email,
        display_name,
        effect,
      })),
    ).slice(0, PREVIEW_USERS),
    counts: {
      shut_out: countOf('shut_out'),
      enrols: countOf('enrols'),
      narrowed: countOf('narrowed'),
    },
    holder_count: holders.length,
  };
}

/** A provider that is away, or a lost device, must not keep every owner out. */
function assertOwnersGetIn(role_id: string, methods: readonly SignInMethod[]): void {
  if (role_id !== 'owner' || methods.includes('password')) return;
  const fault =
    'Owners keep the password as a way in, for when nothing else works; demand a second factor instead.';
  throw new ControlError('unprocessable', fault, {
    errors: [{ in: 'body', pointer: '/methods', message: fault }],
  });
}

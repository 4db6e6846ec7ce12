/** Acting as another user for a while: what it would allow, its begin, its end, and its review by somebody else. */
import { randomUUIDv7 } from 'node:crypto';
import { sql } from 'kysely';
import type { Impersonation, ImpersonationEnding, ImpersonationPreview } from '#contract/iam.ts';
import { actingGrants, neverWhileActing, permissionMatches } from '#contract/permission-rules.ts';
import { PERMISSION_NAMES } from '#contract/permissions.ts';
import type { Database, Tx } from '#server/db/database.ts';
import { mutate } from '#server/db/mutate.ts';
import {
  principalOf,
  responsibleUserId,
  type ActingFor,
  type CallContext,
} from '#server/http/call-context.ts';
import { ControlError, notFound } from '#server/http/control-error.ts';
import { impersonationBlockers, type BreakGlassSettings } from './impersonation-rules.ts';
import {
  closeImpersonation,
  findOverdue,
  IMPERSONATE,
  readImpersonation,
  readReviewers,
  REVIEW,
} from './impersonation-store.ts';
import { personOf } from './personal-session.ts';
import { csrfTokenOf, newSecret, secretHash } from './secret-values.ts';
import { endSession } from './session-store.ts';
import { readSignInFacts } from './sign-in-facts.ts';
import { mfaRequired } from './sign-in-policy-rules.ts';
import { grantsOf } from './user-store.ts';

const NOT_ACTING = 'You act as nobody else; there is nothing to end.';

/** What acting as a user would allow and what stands against it. Changes nothing. */
export async function previewImpersonation(
  db: Database,
  settings: BreakGlassSettings,
  context: CallContext,
  userId: string,
): Promise<ImpersonationPreview> {
  const { email, blockers } = await judge(db, context, userId);
  const [grants, reviewers] = await Promise.all([
    grantsOf(db, userId),
    readReviewers(db, responsibleUserId(principalOf(context))),
  ]);
  const held = PERMISSION_NAMES.filter((name) =>
    grants.some(({ permissions }) => permissions.some((pattern) => permissionMatches(pattern, name))),
  );
  return {
    user_id: userId,
    user_email: email,
    ...settings,
    blockers,
    grants: actingGrants(grants),
    withheld: held.filter(neverWhileActing),
    reviewers,
  };
}

/** Begins to act as a user; `token` is for the second cookie. One that still goes on is ended. */
export async function startImpersonation(
  db: Database,
  { minutes, review_days }: BreakGlassSettings,
  context: CallContext,
  { user_id, reason }: { user_id: string; reason: string },
): Promise<{ impersonation: Impersonation; csrf_token: string; token: string }> {
  const person = personOf(context);
  const { email } = await judge(db, context, user_id);
  const impersonation_id = randomUUIDv7();
  const token = newSecret();
  const acting: ActingFor = {
    impersonation_id,
    actor_user_id: person.user_id,
    actor_label: person.label,
    target_label: email,
    ends_at: '',
  };
  const { impersonation } = await mutate(
    db,
    { ...context, principal: { ...person, impersonation: acting } },
    {
      action: 'iam.impersonations.start',
      title: `Act as ${email}`,
      permission: IMPERSONATE,
      target: { type: 'impersonation', id: impersonation_id },
      reason,
      job: 'none',
    },
    async (tx) => {
      // Suspending either of them, and another start of the same person, wait for this or are seen by it.
      await lockBoth(tx, person.user_id, user_id);
      const { blockers } = await judge(tx, context, user_id);
      if (blockers.length > 0)
        throw new ControlError('action_not_allowed', blockers.map(({ message }) => message).join(' '), {
          details: { blockers },
        });
      await closeOthers(tx, person.user_id);
      await sql`insert into impersonations (impersonation_id, actor_user_id, actor_session_id, user_id, reason, ends_at, review_due_at)
        select ${impersonation_id}::uuid, own.user_id, own.session_id, ${user_id}::uuid, ${reason}, bounds.ends_at,
          bounds.ends_at + make_interval(days => ${review_days}::integer)
        from sessions own cross join lateral (
          select least(own.expires_at, now() + make_interval(mins => ${minutes}::integer)) as ends_at) bounds
        where own.session_id = ${person.session.session_id}::uuid`.execute(tx);
      await sql`insert into sessions (token_hash, user_id, impersonation_id, methods, ip, user_agent, authenticated_at, expires_at)
        select ${secretHash(token)}, own.user_id, i.impersonation_id, own.methods, ${context.ip ?? 'unknown'},
          ${(context.user_agent ?? '').slice(0, 512)}, own.authenticated_at, i.ends_at
        from impersonations i join sessions own on own.session_id = i.actor_session_id
        where i.impersonation_id = ${impersonation_id}::uuid`.execute(tx);
      const begun = await readImpersonation(tx, impersonation_id);
      return { after: { user: email, ends_at: begun.ends_at }, result: { impersonation: begun } };
    },
  );
  return { impersonation, csrf_token: csrfTokenOf(token), token };
}

/** What stands against it now. */
async function judge(db: Database, context: CallContext, userId: string) {
  const { session, ...principal } = principalOf(context);
  const actor_user_id = responsibleUserId({ session, ...principal });
  const [user, facts, overdue, methods] = await Promise.all([
    db
      .selectFrom('users')
      .select(['user_id', 'email', 'status', 'kind'])
      .where('user_id', '=', userId)
      .executeTakeFirst(),
    readSignInFacts(db, userId),
    findOverdue(db, actor_user_id),
    methodsOf(db, session?.session_id ?? null),
  ]);
  if (!user) throw notFound('user', userId);
  const asked = { ...user, mfa_required: mfaRequired(facts.policies) };
  const blockers = impersonationBlockers({ actor_user_id, actor_methods: methods, user: asked, overdue });
  return { email: user.email, blockers };
}

async function methodsOf(db: Database, session_id: string | null): Promise<string[]> {
  if (session_id === null) return [];
  const row = await db
    .selectFrom('sessions')
    .select('methods')
    .where('session_id', '=', session_id)
    .executeTakeFirst();
  return row?.methods ?? [];
}

const lockBoth = (tx: Tx, ...userIds: string[]) =>
  sql`select from users where user_id = any(${userIds}::uuid[]) order by user_id for update`.execute(tx);

async function closeOthers(tx: Tx, actorUserId: string): Promise<void> {
  const { rows } = await sql<{ impersonation_id: string }>`select impersonation_id from impersonations
    where actor_user_id = ${actorUserId}::uuid and ended_at is null`.execute(tx);
  for (const { impersonation_id } of rows) await closeImpersonation(tx, impersonation_id, 'replaced');
}

/** Ends what the caller does as another user; their own session goes on. */
export async function endImpersonation(
  db: Database,
  context: CallContext,
): Promise<{ impersonation: Impersonation }> {
  const { impersonation_id } = actingOf(context);
  return end(db, context, 'iam.impersonations.end', async (tx) => {
    if (!(await closeImpersonation(tx, impersonation_id, 'actor')))
      throw new ControlError('action_not_allowed', NOT_ACTING);
  });
}

/** Signs out who acts as another user: their own session ends, too. */
export async function signOutActing(db: Database, context: CallContext): Promise<{ ended: boolean }> {
  const { impersonation_id } = actingOf(context);
  await end(db, context, 'iam.logout', async (tx) => {
    await closeImpersonation(tx, impersonation_id, 'signed_out');
    const own = await tx
      .selectFrom('impersonations')
      .select('actor_session_id')
      .where('impersonation_id', '=', impersonation_id)
      .executeTakeFirstOrThrow();
    await endSession(tx, own.actor_session_id, 'Signed out');
  });
  return { ended: true };
}

const end = (
  db: Database,
  context: CallContext,
  action: string,
  work: (tx: Tx) => Promise<void>,
): Promise<{ impersonation: Impersonation }> => {
  const { impersonation_id, target_label } = actingOf(context);
  return mutate(
    db,
    context,
    {
      action,
      title: `Stop acting as ${target_label}`,
      permission: 'authenticated',
      target: { type: 'impersonation', id: impersonation_id },
      job: 'none',
    },
    async (tx) => {
      await work(tx);
      const impersonation = await readImpersonation(tx, impersonation_id);
      const ending: ImpersonationEnding | null = impersonation.ending;
      return { before: { ending: null }, after: { ending }, result: { impersonation } };
    },
  );
};

function actingOf(context: CallContext): ActingFor {
  const { impersonation } = principalOf(context);
  if (!impersonation) throw new ControlError('action_not_allowed', NOT_ACTING);
  return impersonation;
}

/** Says whether what somebody did as another user was in order; anybody may but who did it. */
export async function reviewImpersonation(
  db: Database,
  context: CallContext,
  impersonationId: string,
  { verdict, reason }: { verdict: 'in_order' | 'not_in_order'; reason: string },
): Promise<{ job_id: string; impersonation: Impersonation }> {
  const { actor_email, user_email } = await readImpersonation(db, impersonationId);
  const principal = principalOf(context);
  return mutate(
    db,
    context,
    {
      action: 'iam.impersonations.review',
      title: `Review what ${actor_email} did as ${user_email}`,
      permission: REVIEW,
      target: { type: 'impersonation', id: impersonationId },
      reason,
    },
    async (tx) => {
      await sql`select from impersonations where impersonation_id = ${impersonationId}::uuid for update`.execute(
        tx,
      );
      const before = await readImpersonation(tx, impersonationId);
      assertReviewable(before, responsibleUserId(principal));
      await tx
        .updateTable('impersonations')
        .set({ reviewed_at: sql`now()`, reviewed_by: principal.label, verdict, comment: reason })
        .where('impersonation_id', '=', impersonationId)
        .execute();
      const impersonation = await readImpersonation(tx, impersonationId);
      return { before: reviewOf(before), after: reviewOf(impersonation), result: { impersonation } };
    },
  );
}

const reviewOf = ({ state, verdict, reviewed_by }: Impersonation) => ({ state, verdict, reviewed_by });

function assertReviewable({ state, actor_user_id, reviewed_by }: Impersonation, reviewer: string): void {
  if (actor_user_id === reviewer)
    throw new ControlError(
      'action_not_allowed',
      'You did this yourself; somebody else has to review it, and your API tokens count as you.',
    );
  if (state === 'active')
    throw new ControlError('action_not_allowed', 'This still goes on; it can be reviewed once it is over.');
  if (state === 'reviewed')
    throw new ControlError('action_not_allowed', `${reviewed_by} has reviewed this already.`);
}

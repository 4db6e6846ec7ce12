/** Invitations and password resets: links that work once, kept as hashes, sent by mail or shown where there is none. */
import { randomUUIDv7 } from 'node:crypto';
import { sql } from 'kysely';
import { USER_LINKS, type LinkDelivery, type User, type UserLink } from '#contract/iam.ts';
import { recordEvent } from '#server/audit/audit-store.ts';
import type { Tx } from '#server/db/database.ts';
import { mutate, type Mutation } from '#server/db/mutate.ts';
import { principalOf, type CallContext } from '#server/http/call-context.ts';
import { ControlError } from '#server/http/control-error.ts';
import type { AccountDeps } from './account-deps.ts';
import { insteadOf } from './constraint-problems.ts';
import { findAccountByEmail } from './credential-service.ts';
import { assertHoldsGrants } from './grant-rules.ts';
import { linkMail } from './mail-texts.ts';
import { MailError } from './mailer.ts';
import {
  putOneTimeSecret,
  readOneTimeSecret,
  takeOneTimeSecret,
  voidOneTimeSecrets,
} from './one-time-secret-store.ts';
import { acceptPassword } from './password-service.ts';
import { principalFor } from './session-opening.ts';
import { endSessionsOf } from './session-store.ts';
import { addressKey } from './sign-in-throttle.ts';
import { assertUpkeep } from './user-state-rules.ts';
import { grantsOf, lockUser, readUser, USER_COLUMNS } from './user-store.ts';

const HOURS: Record<UserLink, number> = { invitation: 72, password_reset: 1 };
const PAGES: Record<UserLink, string> = {
  invitation: '/accept-invitation',
  password_reset: '/reset-password',
};
const PURPOSES: UserLink[] = ['invitation', 'password_reset'];
/** Resets that one address, and one email, may ask for in an hour. */
const RESETS_OF_ADDRESS = 20;
const RESETS_OF_EMAIL = 3;
const HOUR_S = 3600;

type Delivered = { job_id: string; user: User; delivery: LinkDelivery | null };

/** A new link of a user; those before stop working. */
async function makeLink(tx: Tx, user_id: string, purpose: UserLink): Promise<string> {
  await voidOneTimeSecrets(tx, user_id, [purpose]);
  return putOneTimeSecret(tx, { purpose, user_id }, HOURS[purpose] * 60);
}

/** Sends a link. The token stands behind `#`, which browsers send to no server. */
async function deliver(
  { mailer, publicUrl }: AccountDeps,
  { email, display_name }: User,
  purpose: UserLink,
  token: string,
): Promise<LinkDelivery> {
  const link = `${publicUrl}${PAGES[purpose]}#${token}`;
  const hours = HOURS[purpose];
  const expires_at = new Date(Date.now() + hours * HOUR_S * 1000).toISOString();
  const shown = mailer.delivers ? null : link;
  try {
    const { file } = await mailer.send({
      to: email,
      ...linkMail(purpose, { display_name, link, hours, public_url: publicUrl }),
    });
    return { way: mailer.delivers ? 'sent' : 'shown', link: shown, file, expires_at };
  } catch (error) {
    if (!(error instanceof MailError)) throw error;
    return { way: mailer.delivers ? 'failed' : 'shown', link: shown, file: null, expires_at };
  }
}

/** Changes, and sends the link that the change made. A replay of the request shows no link. */
async function mutateAndSend(
  deps: AccountDeps,
  context: CallContext,
  mutation: Mutation,
  purpose: UserLink,
  change: (tx: Tx) => Promise<{ before?: object; after?: object; user: User }>,
): Promise<Delivered> {
  type Made = { user: User; delivery: LinkDelivery | null; made: string | null };
  const { made, ...answer } = await mutate<Made>(deps.db, context, mutation, async (tx) => {
    const { user, ...diff } = await change(tx);
    const token = await makeLink(tx, user.user_id, purpose);
    return {
      ...diff,
      result: { user, delivery: null, made: token },
      replay: { user, delivery: null, made: null },
    };
  });
  if (made === null) return answer;
  const delivery = await deliver(deps, answer.user, purpose, made);
  if (delivery.way === 'failed')
    await recordEvent(deps.db, context, {
      action: mutation.action,
      outcome: 'failed',
      target: mutation.target,
      details: { cause: 'mail_not_taken' },
      job_id: answer.job_id,
    });
  return { ...answer, delivery };
}

/** Creates a user who has no password yet, and sends the link to choose one. */
export async function inviteUser(
  deps: AccountDeps,
  context: CallContext,
  { email, display_name, reason }: { email: string; display_name: string; reason?: string | undefined },
): Promise<Delivered> {
  const user_id = randomUUIDv7();
  return mutateAndSend(
    deps,
    context,
    {
      action: 'iam.users.invite',
      title: `Invite ${email}`,
      permission: 'iam.users.create',
      target: { type: 'user', id: user_id },
      reason,
    },
    'invitation',
    async (tx) => {
      const user = await tx
        .insertInto('users')
        .values({ user_id, email, display_name, status: 'invited' })
        .returning(USER_COLUMNS)
        .executeTakeFirstOrThrow();
      return { after: { email, display_name, status: user.status }, user };
    },
  ).catch(
    insteadOf(
      'users_email',
      () => new ControlError('already_exists', `Another user has the email ${email}.`),
    ),
  );
}

export async function resendInvitation(
  deps: AccountDeps,
  context: CallContext,
  user_id: string,
  reason: string,
): Promise<Delivered> {
  const { email } = await readUser(deps.db, user_id);
  return mutateAndSend(
    deps,
    context,
    {
      action: 'iam.users.resend_invitation',
      title: `Invite ${email} again`,
      permission: 'iam.users.create',
      target: { type: 'user', id: user_id },
      reason,
    },
    'invitation',
    async (tx) => {
      const user = await lockUser(tx, user_id);
      assertUpkeep('resend_invitation', user);
      return { user };
    },
  );
}

/** Sends a reset. Where the link is shown it opens everything that the user may do, so the caller must hold all of it. */
export async function resetUserPassword(
  deps: AccountDeps,
  context: CallContext,
  user_id: string,
  reason: string,
): Promise<Delivered> {
  const { email } = await readUser(deps.db, user_id);
  return mutateAndSend(
    deps,
    context,
    {
      action: 'iam.users.reset_password',
      title: `Reset the password of ${email}`,
      permission: 'iam.users.update',
      target: { type: 'user', id: user_id },
      reason,
    },
    'password_reset',
    async (tx) => {
      const user = await lockUser(tx, user_id);
      assertUpkeep('reset_password', user);
      assertHoldsGrants(
        principalOf(context),
        await grantsOf(tx, user_id),
        `You cannot reset the password of ${email}: it opens what you may not do yourself`,
      );
      return { user };
    },
  );
}

/** Takes a request for a reset from anybody, and answers before it is known whether there is such a user. */
export async function requestPasswordReset(
  deps: AccountDeps,
  context: CallContext,
  { email }: { email: string },
): Promise<{ accepted: true }> {
  const allowed = await deps.throttle.allows(
    `reset from ${addressKey(context.ip)}`,
    RESETS_OF_ADDRESS,
    HOUR_S,
  );
  if (!allowed)
    throw new ControlError(
      'rate_limited',
      'Too many resets were asked for from this address; try again in an hour.',
      {
        headers: { 'retry-after': String(HOUR_S) },
        details: { retry_after_s: HOUR_S },
      },
    );
  void sendReset(deps, context, email).catch(deps.onBackgroundError);
  return { accepted: true };
}

async function sendReset(deps: AccountDeps, context: CallContext, email: string): Promise<void> {
  const account = await findAccountByEmail(deps.db, email);
  if (!account) return;
  const { user_id } = account;
  const from: readonly string[] = USER_LINKS.password_reset.from;
  const fits = from.includes(account.status);
  const refused = fits
    ? (await deps.throttle.allows(`reset of ${user_id}`, RESETS_OF_EMAIL, HOUR_S))
      ? null
      : 'too_often'
    : `user_${account.status}`;
  const target = { type: 'user', id: user_id };
  const action = 'iam.password_reset.request';
  if (refused !== null) {
    await recordEvent(deps.db, context, { action, outcome: 'failed', target, details: { cause: refused } });
    return;
  }
  const user = await readUser(deps.db, user_id);
  const { token } = await mutate(
    deps.db,
    context,
    {
      action,
      title: `Ask to reset the password of ${user.email}`,
      permission: 'public',
      target,
      job: 'none',
    },
    async (tx) => ({ result: { token: await makeLink(tx, user_id, 'password_reset') } }),
  );
  const { way } = await deliver(deps, user, 'password_reset', token);
  if (way === 'failed')
    await recordEvent(deps.db, context, {
      action,
      outcome: 'failed',
      target,
      details: { cause: 'mail_not_taken' },
    });
}

const VOID = 'This link does not work: it was used, has expired, or a newer one was sent. Ask for another.';

/** What a link is for, while it works. */
export async function inspectLink(
  { db }: AccountDeps,
  token: string,
): Promise<{ purpose: UserLink; email: string; display_name: string; expires_at: string }> {
  const found = await readOneTimeSecret(db, token, PURPOSES);
  if (!found?.user_id) throw new ControlError('not_found', VOID);
  const { email, display_name } = await readUser(db, found.user_id);
  return { purpose: found.purpose as UserLink, email, display_name, expires_at: found.expires_at };
}

/** Sets the password that somebody chose by a link. The link proves the mailbox, so failed guesses of strangers are forgiven. */
export async function redeemLink(
  deps: AccountDeps,
  context: CallContext,
  { token, new_password }: { token: string; new_password: string },
): Promise<{ email: string }> {
  const { purpose, email, display_name } = await inspectLink(deps, token);
  const password_hash = await acceptPassword(new_password, { email, display_name }, 'new_password');
  const found = await readOneTimeSecret(deps.db, token, PURPOSES);
  if (!found?.user_id) throw new ControlError('not_found', VOID);
  const { user_id } = found;
  const { from, to } = USER_LINKS[purpose];
  await mutate(
    deps.db,
    { ...context, principal: principalFor({ user_id, email }) },
    {
      action: 'iam.links.redeem',
      title:
        purpose === 'invitation' ? `Accept the invitation of ${email}` : `Choose a new password for ${email}`,
      permission: 'public',
      target: { type: 'user', id: user_id },
      details: { purpose },
      job: 'none',
    },
    async (tx) => {
      const before = await lockUser(tx, user_id);
      const taken = await takeOneTimeSecret(tx, token, [purpose]);
      if (!taken || !(from as readonly string[]).includes(before.status))
        throw new ControlError('not_found', VOID);
      await voidOneTimeSecrets(tx, user_id, PURPOSES);
      const sessions_ended = await endSessionsOf(tx, user_id, 'Password chosen by a link');
      await tx
        .updateTable('users')
        .set({ password_hash, status: to, revision: before.revision + 1, updated_at: sql`now()` })
        .where('user_id', '=', user_id)
        .execute();
      return {
        before: { status: before.status, password: 'old' },
        after: { status: to, password: 'new' },
        result: { sessions_ended },
      };
    },
  );
  await deps.throttle.forgive(`login:${email.toLowerCase()}`);
  return { email };
}

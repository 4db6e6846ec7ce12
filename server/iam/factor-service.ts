/** One's own second factors: taken into use, replaced, given up. */
import { randomBytes } from 'node:crypto';
import { sql } from 'kysely';
import type { RegistrationResponseJSON } from '@simplewebauthn/server';
import type { ResponseOf } from '#contract/endpoint.ts';
import type { confirmTotpEnrolment, SecondFactor, SignInMethods, startTotpEnrolment } from '#contract/iam.ts';
import { recordEvent } from '#server/audit/audit-store.ts';
import type { Database, Tx } from '#server/db/database.ts';
import { mutate, type Changed } from '#server/db/mutate.ts';
import type { CallContext } from '#server/http/call-context.ts';
import { ControlError, notFound } from '#server/http/control-error.ts';
import type { AccountDeps } from './account-deps.ts';
import { insteadOf } from './constraint-problems.ts';
import { describeIdentity, IDENTITY_COLUMNS } from './linked-identity-rules.ts';
import { startRegistration, verifyRegistration } from './passkey-service.ts';
import { personOf, type Person } from './personal-session.ts';
import { removeRecoveryCodes, replaceRecoveryCodes } from './recovery-codes.ts';
import { keyMissing, secondFactorKey } from './second-factor-service.ts';
import { csrfTokenOf } from './secret-values.ts';
import { completeSession } from './session-store.ts';
import { readSignInFacts } from './sign-in-facts.ts';
import { allowedMethods, demandingRoles, hasSecondFactor, mfaRequired } from './sign-in-policy-rules.ts';
import { acceptedStep, describeTotpKey, TOTP_KEY_BYTES } from './totp-rules.ts';
import { lockUser, readUser } from './user-store.ts';

/** An answer, and the token for the cookie where the session got a new one. */
export type Enrolled = ResponseOf<typeof confirmTotpEnrolment> & { token: string | null };

/** How a user can sign in, and what their roles demand. */
export async function readSignInMethods(
  { db, providers, tokenVerifier }: AccountDeps,
  user_id: string,
): Promise<SignInMethods> {
  const [user, totp, passkeys, identities, facts] = await Promise.all([
    db
      .selectFrom('users')
      .select(sql<boolean>`password_hash is not null`.as('password'))
      .where('user_id', '=', user_id)
      .where('kind', '=', 'person')
      .executeTakeFirst(),
    db
      .selectFrom('totp_factors')
      .select('created_at')
      .where('user_id', '=', user_id)
      .where('confirmed_at', 'is not', null)
      .executeTakeFirst(),
    db
      .selectFrom('passkeys')
      .select(['passkey_id', 'name', 'synced', 'created_at', 'last_used_at'])
      .where('user_id', '=', user_id)
      .orderBy('created_at')
      .execute(),
    db
      .selectFrom('linked_identities')
      .select(IDENTITY_COLUMNS)
      .where('user_id', '=', user_id)
      .orderBy('created_at')
      .execute(),
    readSignInFacts(db, user_id),
  ]);
  if (!user) throw notFound('user', user_id);
  const { policies } = facts;
  const sources = { providers, issuers: tokenVerifier?.issuers() ?? [] };
  return {
    password: user.password,
    totp: totp ?? null,
    passkeys,
    recovery_codes_left: facts.recovery_codes,
    identities: identities.map((identity) => describeIdentity(identity, sources)),
    policy: {
      methods: allowedMethods(policies),
      mfa_required: mfaRequired(policies),
      roles: demandingRoles(policies),
    },
  };
}

const changeOf = (context: CallContext, action: string, title: string) => {
  const { user_id, label } = personOf(context);
  return {
    action,
    title: `${title} of ${label}`,
    permission: 'authenticated',
    target: { type: 'user', id: user_id },
  };
};

/** Begins with an authenticator app. Nothing counts until its first code is given; a begun one is replaced. */
export async function startTotp(
  { db, box }: AccountDeps,
  context: CallContext,
): Promise<ResponseOf<typeof startTotpEnrolment>> {
  const { user_id, label } = personOf(context);
  if (!box) throw keyMissing();
  const key = randomBytes(TOTP_KEY_BYTES);
  return mutate<{ enrolment: ReturnType<typeof describeTotpKey> | null }>(
    db,
    context,
    changeOf(context, 'iam.me.totp.start', 'Begin with an authenticator app'),
    async (tx) => {
      await lockUser(tx, user_id);
      await tx
        .deleteFrom('totp_factors')
        .where('user_id', '=', user_id)
        .where('confirmed_at', 'is', null)
        .execute();
      await tx
        .insertInto('totp_factors')
        .values({ user_id, sealed_secret: box.seal(key, user_id) })
        .execute();
      return { result: { enrolment: describeTotpKey(key, label) }, replay: { enrolment: null } };
    },
  );
}

/** Takes the begun authenticator app into use by its first code. */
export async function confirmTotp(deps: AccountDeps, context: CallContext, code: string): Promise<Enrolled> {
  const { db, box, throttle } = deps;
  const person = personOf(context);
  const { user_id } = person;
  if (!box) throw keyMissing();
  const action = 'iam.me.totp.confirm';
  return throttle.attempt(secondFactorKey(user_id), context.ip, async (attempt) => {
    const begun = await db
      .selectFrom('totp_factors')
      .select(['factor_id', 'sealed_secret'])
      .where('user_id', '=', user_id)
      .where('confirmed_at', 'is', null)
      .where('created_at', '>', sql<string>`now() - interval '15 minutes'`)
      .executeTakeFirst();
    if (!begun) {
      await attempt.succeeded();
      throw new ControlError(
        'action_not_allowed',
        'No authenticator app was begun within 15 minutes; begin anew.',
      );
    }
    const step = acceptedStep(box.open(begun.sealed_secret, user_id), code, Date.now(), 0);
    if (step === null) {
      const closed_for_s = await attempt.failed();
      const details = { cause: 'wrong_totp_code', closed_for_s };
      await recordEvent(db, context, {
        action,
        outcome: 'failed',
        target: { type: 'user', id: user_id },
        details,
      });
      throw new ControlError(
        'invalid_credentials',
        'This code does not belong to the key shown; check that the app has this key and that its clock is right.',
      );
    }
    const enrolled = await enrol(deps, context, person, action, 'totp', async (tx) => {
      const { numDeletedRows } = await tx
        .deleteFrom('totp_factors')
        .where('user_id', '=', user_id)
        .where('confirmed_at', 'is not', null)
        .executeTakeFirst();
      await tx
        .updateTable('totp_factors')
        .set({ confirmed_at: sql`now()`, last_step: sql`${step}::bigint` })
        .where('factor_id', '=', begun.factor_id)
        .execute();
      return { before: { totp: numDeletedRows > 0n ? 'an app' : null }, after: { totp: 'a new app' } };
    });
    await attempt.succeeded();
    return enrolled;
  });
}

export async function startPasskey(deps: AccountDeps, context: CallContext) {
  const { user_id, session } = personOf(context);
  const { email, display_name } = await readUser(deps.db, user_id);
  const { session_id } = session;
  return { options: await startRegistration(deps, { user_id, session_id, email, display_name }) };
}

/** Takes a new passkey into use. */
export async function addPasskey(
  deps: AccountDeps,
  context: CallContext,
  { name, passkey }: { name: string; passkey: RegistrationResponseJSON },
): Promise<Enrolled> {
  const person = personOf(context);
  const { user_id } = person;
  const added = await verifyRegistration(deps, person.session.session_id, passkey);
  if (!added)
    throw new ControlError(
      'unprocessable',
      `This passkey was not accepted: it has to be made within 5 minutes, on ${deps.publicUrl}, and unlocked by you.`,
    );
  return enrol(deps, context, person, 'iam.me.passkeys.add', 'passkey', async (tx) => {
    await tx
      .insertInto('passkeys')
      .values({ user_id, name: name.trim(), ...added })
      .execute();
    return { after: { passkey: name.trim() } };
  }).catch(
    insteadOf(
      'passkeys_credential_id_key',
      () => new ControlError('already_exists', 'This passkey is in use already.'),
    ),
  );
}

/** The change of an enrolment: recovery codes with the first factor, and the end of a sign-in that waited for it. */
async function enrol(
  deps: AccountDeps,
  context: CallContext,
  { user_id, session }: Person,
  action: string,
  factor: SecondFactor,
  change: (tx: Tx) => Promise<Pick<Changed<object>, 'before' | 'after'>>,
): Promise<Enrolled> {
  const { session_id, csrf_token, pending } = session;
  return mutate<Omit<Enrolled, 'job_id'>>(
    deps.db,
    context,
    changeOf(context, action, factor === 'totp' ? 'Use an authenticator app' : 'Use a passkey'),
    async (tx) => {
      await lockUser(tx, user_id);
      const before = await readSignInFacts(tx, user_id);
      if (pending === 'enrolment' && hasSecondFactor(before))
        throw new ControlError(
          'action_not_allowed',
          'A second factor was enrolled meanwhile; sign in again with it.',
        );
      const changed = await change(tx);
      const codes = before.recovery_codes > 0 ? null : await replaceRecoveryCodes(tx, user_id);
      const renewed =
        pending === 'enrolment' ? await completeSession(tx, session_id, 'enrolment', factor) : null;
      if (pending === 'enrolment' && renewed === null)
        throw new ControlError('session_revoked', 'This sign-in has expired; sign in again.');
      return {
        ...changed,
        result: {
          token: renewed,
          recovery_codes: codes,
          csrf_token: renewed === null ? csrf_token : csrfTokenOf(renewed),
        },
        replay: { token: null, recovery_codes: null, csrf_token: null },
      };
    },
  );
}

/** Gives a factor up, unless a role demands one and it is the last. */
async function giveUp(
  db: Database,
  context: CallContext,
  { action, title }: { action: string; title: string },
  remove: (tx: Tx, user_id: string) => Promise<object>,
): Promise<{ job_id: string }> {
  const { user_id } = personOf(context);
  return mutate(db, context, changeOf(context, action, title), async (tx) => {
    await lockUser(tx, user_id);
    const before = await remove(tx, user_id);
    const left = await readSignInFacts(tx, user_id);
    if (!hasSecondFactor(left)) {
      if (mfaRequired(left.policies))
        throw new ControlError(
          'action_not_allowed',
          `It is your last second factor, and ${demandingRoles(left.policies).join(', ')} demands one; enrol another first.`,
        );
      await removeRecoveryCodes(tx, user_id);
    }
    return { before, result: {} };
  });
}

export const removeTotp = (db: Database, context: CallContext): Promise<{ job_id: string }> =>
  giveUp(
    db,
    context,
    { action: 'iam.me.totp.remove', title: 'Remove the authenticator app' },
    async (tx, user_id) => {
      const { numDeletedRows } = await tx
        .deleteFrom('totp_factors')
        .where('user_id', '=', user_id)
        .executeTakeFirst();
      if (numDeletedRows === 0n)
        throw new ControlError('action_not_allowed', 'You use no authenticator app.');
      return { totp: 'an app' };
    },
  );

export const removePasskey = (
  db: Database,
  context: CallContext,
  passkey_id: string,
): Promise<{ job_id: string }> =>
  giveUp(
    db,
    context,
    { action: 'iam.me.passkeys.remove', title: 'Remove a passkey' },
    async (tx, user_id) => {
      const removed = await tx
        .deleteFrom('passkeys')
        .where('passkey_id', '=', passkey_id)
        .where('user_id', '=', user_id)
        .returning('name')
        .executeTakeFirst();
      if (!removed) throw notFound('passkey', passkey_id);
      return { passkey: removed.name };
    },
  );

/** New recovery codes in place of the ones before. */
export async function renewRecoveryCodes(
  db: Database,
  context: CallContext,
): Promise<{ job_id: string; recovery_codes: string[] | null }> {
  const { user_id } = personOf(context);
  const mutation = changeOf(context, 'iam.me.recovery_codes.renew', 'Renew the recovery codes');
  return mutate<{ recovery_codes: string[] | null }>(db, context, mutation, async (tx) => {
    await lockUser(tx, user_id);
    const facts = await readSignInFacts(tx, user_id);
    if (!hasSecondFactor(facts))
      throw new ControlError(
        'action_not_allowed',
        'Recovery codes stand in for a second factor; enrol one first.',
      );
    const recovery_codes = await replaceRecoveryCodes(tx, user_id);
    return {
      before: { recovery_codes_left: facts.recovery_codes },
      after: { recovery_codes_left: recovery_codes.length },
      result: { recovery_codes },
      replay: { recovery_codes: null },
    };
  });
}

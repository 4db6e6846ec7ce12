/** Signing in at an identity provider, and the identities there that open an account here. */
import { sql } from 'kysely';
import { recordEvent } from '#server/audit/audit-store.ts';
import type { Database, Tx } from '#server/db/database.ts';
import { mutate } from '#server/db/mutate.ts';
import type { CallContext } from '#server/http/call-context.ts';
import { ControlError, notFound } from '#server/http/control-error.ts';
import type { AccountDeps } from './account-deps.ts';
import { findAccount, findAccountByEmail, type Account } from './credential-service.ts';
import { insteadOf } from './constraint-problems.ts';
import { IdentityProviderError, type IdentityProvider, type ProvenIdentity } from './identity-provider.ts';
import { putOneTimeSecret, takeOneTimeSecret } from './one-time-secret-store.ts';
import { personOf } from './personal-session.ts';
import { newSecret } from './secret-values.ts';
import { openSession, type TakenStep } from './session-opening.ts';
import { assertUpkeep } from './user-state-rules.ts';
import { lockUser, readUser } from './user-store.ts';

const AWAY_MINUTES = 10;
const RETURN_PAGE = '/sign-in/return';
const action = 'iam.login.provider';

type Purpose = 'provider_sign_in' | 'provider_link';
interface Departure {
  authorization_url: string;
  state: string;
}
interface Arrival {
  state: string;
  callback: string;
}

/** Sends the browser to a provider: to sign in, or with a session to link. */
export async function depart(
  deps: AccountDeps,
  provider_id: string,
  purpose: Purpose,
  session_id: string | null,
): Promise<Departure> {
  const provider = providerOf(deps, provider_id);
  const content = { provider_id, nonce: newSecret(), code_verifier: newSecret() };
  const state = await putOneTimeSecret(deps.db, { purpose, session_id, content }, AWAY_MINUTES);
  const authorization_url = await asProblem(
    provider.authorizationUrl(`${deps.publicUrl}${RETURN_PAGE}`, { state, ...content }),
  );
  return { authorization_url, state };
}

/** Who came back. The state is used up first, so that an answer cannot be sent in twice. */
async function arrive(
  deps: AccountDeps,
  { state, callback }: Arrival,
  purpose: Purpose,
  session_id: string | null,
): Promise<{ provider: IdentityProvider; identity: ProvenIdentity }> {
  const departed = await takeOneTimeSecret(deps.db, state, [purpose], session_id);
  if (!departed)
    throw new ControlError(
      'invalid_credentials',
      'This sign-in was begun too long ago, or elsewhere; begin anew.',
    );
  const { provider_id, nonce, code_verifier } = departed.content as Record<string, string>;
  const provider = providerOf(deps, provider_id ?? '');
  const returnedTo = new URL(`${deps.publicUrl}${RETURN_PAGE}`);
  returnedTo.search = callback;
  const checks = { state, nonce: nonce ?? '', code_verifier: code_verifier ?? '' };
  return { provider, identity: await asProblem(provider.identify(returnedTo, checks)) };
}

export async function signInWithProvider(
  deps: AccountDeps,
  context: CallContext,
  arrival: Arrival,
): Promise<TakenStep> {
  const { provider, identity } = await arrive(deps, arrival, 'provider_sign_in', null);
  const { provider_id, title } = provider;
  const { issuer, subject } = identity;
  const wrong = `No user here is linked to this account at ${title}. Sign in another way and link it in your account.`;
  const known = await deps.db
    .selectFrom('linked_identities')
    .select(['identity_id', 'user_id'])
    .where('issuer', '=', issuer)
    .where('subject', '=', subject)
    .executeTakeFirst();
  const account = known
    ? await findAccount(deps.db, known.user_id)
    : await sameEmail(deps, provider, identity);
  if (account?.status !== 'active') {
    const cause = account ? `user_${account.status}` : 'unknown_identity';
    const target = { type: 'identity', id: `${provider_id}:${subject.slice(0, 100)}` };
    await recordEvent(deps.db, context, { action, outcome: 'failed', target, details: { cause } });
    throw new ControlError('invalid_credentials', wrong);
  }
  const { user_id } = account;
  return openSession(deps, context, account, 'provider', {
    action,
    wrong,
    claim: async (tx) => {
      // Unlinked or linked to somebody else in between: then the unique key or the count below says so.
      const { numAffectedRows } =
        await sql`insert into linked_identities (user_id, provider_id, issuer, subject, email, last_used_at)
        values (${user_id}::uuid, ${provider_id}, ${issuer}, ${subject}, ${identity.email}, now())
        on conflict (issuer, subject) do update set last_used_at = now() where linked_identities.user_id = ${user_id}::uuid`.execute(
          tx,
        );
      if (numAffectedRows !== 1n) throw new ControlError('invalid_credentials', wrong);
    },
  });
}

const sameEmail = async (
  { db }: AccountDeps,
  { link_verified_email }: IdentityProvider,
  { email, email_verified }: ProvenIdentity,
): Promise<Account | undefined> =>
  link_verified_email && email_verified && email !== null ? findAccountByEmail(db, email) : undefined;

/** Links the account at a provider that the person came back with. */
export async function linkIdentity(
  deps: AccountDeps,
  context: CallContext,
  arrival: Arrival,
): Promise<{ job_id: string }> {
  const { user_id, label, session } = personOf(context);
  const { provider, identity } = await arrive(deps, arrival, 'provider_link', session.session_id);
  const { provider_id, title } = provider;
  const { issuer, subject, email } = identity;
  return mutate(
    deps.db,
    context,
    {
      action: 'iam.me.identities.link',
      title: `Link an account at ${title} to ${label}`,
      permission: 'authenticated',
      target: { type: 'user', id: user_id },
    },
    async (tx) => {
      await lockUser(tx, user_id);
      await tx
        .insertInto('linked_identities')
        .values({ user_id, provider_id, issuer, subject, email })
        .execute();
      return { after: { identity: { provider_id, subject, email } }, result: {} };
    },
  ).catch(
    insteadOf(
      'linked_identities_once',
      () =>
        new ControlError(
          'already_exists',
          `This account at ${title} is linked already, to you or somebody else.`,
        ),
    ),
  );
}

export async function unlinkIdentity(
  db: Database,
  context: CallContext,
  identity_id: string,
): Promise<{ job_id: string }> {
  const { user_id, label } = personOf(context);
  return mutate(
    db,
    context,
    {
      action: 'iam.me.identities.remove',
      title: `Unlink an account of ${label}`,
      permission: 'authenticated',
      target: { type: 'user', id: user_id },
    },
    async (tx) => ({ before: { identity: await removeIdentity(tx, user_id, identity_id) }, result: {} }),
  );
}

/** Unlinks an account of somebody else: a decision of an administrator, with its reason. */
export async function unlinkUserIdentity(
  db: Database,
  context: CallContext,
  { user_id, identity_id }: { user_id: string; identity_id: string },
  reason: string,
): Promise<{ job_id: string }> {
  const { email } = await readUser(db, user_id);
  return mutate(
    db,
    context,
    {
      action: 'iam.users.unlink_identity',
      title: `Unlink an account of ${email}`,
      permission: 'iam.users.update',
      target: { type: 'user', id: user_id },
      reason,
    },
    async (tx) => {
      assertUpkeep('unlink_identity', await lockUser(tx, user_id));
      return { before: { identity: await removeIdentity(tx, user_id, identity_id) }, result: {} };
    },
  );
}

async function removeIdentity(tx: Tx, user_id: string, identity_id: string) {
  const removed = await tx
    .deleteFrom('linked_identities')
    .where('identity_id', '=', identity_id)
    .where('user_id', '=', user_id)
    .returning(['provider_id', 'subject', 'email'])
    .executeTakeFirst();
  if (!removed) throw notFound('linked account', identity_id);
  return removed;
}

function providerOf({ providers }: AccountDeps, provider_id: string): IdentityProvider {
  const provider = providers.find((candidate) => candidate.provider_id === provider_id);
  if (!provider) throw notFound('identity provider', provider_id);
  return provider;
}

const asProblem = <T>(asked: Promise<T>): Promise<T> =>
  asked.catch((error: unknown) => {
    if (!(error instanceof IdentityProviderError)) throw error;
    throw error.kind === 'away'
      ? new ControlError('upstream_failed', `${error.message}; try again, or sign in another way.`, {
          cause: error,
        })
      : new ControlError('invalid_credentials', `Signing in did not work: ${error.message}.`, {
          cause: error,
        });
  });

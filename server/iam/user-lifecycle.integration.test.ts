/** The life of a user, as a table: what each status allows, what it opens, and what is left of a deleted one. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as contract from '#contract/iam.ts';
import { USER_ACTIONS, USER_LINKS, USER_STATUSES, USER_UPKEEP, type UserStatus } from '#contract/iam.ts';
import { openDatabase, type DatabaseHandle } from '#server/db/database.ts';
import { createTestDatabase, type TestDatabase } from '#server/db/test-database.ts';
import { seedRoleTemplates } from './bootstrap.ts';
import { openScene, PASSWORD, type Scene } from './iam-test-scene.ts';
import { newApiToken, newSecret, secretHash } from './secret-values.ts';

let testDatabase: TestDatabase;
let database: DatabaseHandle;
let scene: Scene;
let owner: { user_id: string; token: string };
let people = 0;

beforeAll(async () => {
  testDatabase = await createTestDatabase();
  database = openDatabase(testDatabase.url);
  await seedRoleTemplates(database.db);
  scene = openScene(database.db);
  owner = await scene.enter('owner@example.com', 'owner');
});
afterAll(async () => {
  await database.close();
  await testDatabase.drop();
});

const query = async (text: string, ...values: unknown[]) =>
  (await testDatabase.pool.query(text, values)).rows as Record<string, unknown>[];
const reason = 'walked through the table';

/** A user of this status with everything that may let somebody in: a session, a token, an identity, a link of either kind. */
async function everything(status: UserStatus) {
  const email = `life-${(people += 1)}@example.com`;
  const user_id = await scene.addUser(email, 'read-only');
  const session = newSecret();
  const { value: apiToken, prefix } = newApiToken();
  const links = { invitation: newSecret(), password_reset: newSecret() };
  await query(
    `insert into sessions (token_hash, user_id, ip, user_agent, authenticated_at, expires_at)
     values ($1, $2, '', '', now(), now() + interval '1 hour')`,
    secretHash(session),
    user_id,
  );
  await query(
    `insert into api_tokens (user_id, token_hash, prefix, name, permissions, expires_at)
     values ($1, $2, $3, 'life', '{tenants.read}', now() + interval '1 hour')`,
    user_id,
    secretHash(apiToken),
    prefix,
  );
  await query(
    `insert into linked_identities (user_id, provider_id, issuer, subject) values ($1, 'corp', 'https://corp', $2)`,
    user_id,
    email,
  );
  await query(
    `insert into recovery_codes (user_id, code_hash) values ($1, $2)`,
    user_id,
    secretHash(newSecret()),
  );
  for (const purpose of ['invitation', 'password_reset'] as const)
    await query(
      `insert into one_time_secrets (secret_hash, purpose, user_id, expires_at) values ($1, $2, $3, now() + interval '1 hour')`,
      secretHash(links[purpose]),
      purpose,
      user_id,
    );
  await query('update users set status = $2 where user_id = $1', user_id, status);
  return { user_id, email, session, apiToken, links };
}
type Whole = Awaited<ReturnType<typeof everything>>;

const asked = ({ user_id }: Whole) => ({ as: owner.token, params: { user_id }, body: { reason } });
const identityOf = async ({ user_id }: Whole) =>
  String(
    (await query('select identity_id from linked_identities where user_id = $1', user_id))[0]!['identity_id'],
  );
const revisionOf = async ({ user_id }: Whole) =>
  Number((await query('select revision from users where user_id = $1', user_id))[0]!['revision']);
const redeem = (token: string) => () =>
  scene.call(contract.redeemLink, { body: { token, new_password: 'copper lantern 88 drift' } });

/** Everything that can be done to a user: which statuses allow it, and what follows. */
const ACTS: Record<
  string,
  { from: readonly UserStatus[]; to?: UserStatus; run: (user: Whole) => Promise<unknown> }
> = {
  suspend: { ...USER_ACTIONS.suspend, run: (user) => scene.call(contract.suspendUser, asked(user)) },
  reactivate: { ...USER_ACTIONS.reactivate, run: (user) => scene.call(contract.reactivateUser, asked(user)) },
  disable: { ...USER_ACTIONS.disable, run: (user) => scene.call(contract.disableUser, asked(user)) },
  delete: { ...USER_ACTIONS.delete, run: (user) => scene.call(contract.deleteUser, asked(user)) },
  invitation: { ...USER_LINKS.invitation, run: ({ links }) => redeem(links.invitation)() },
  password_reset: { ...USER_LINKS.password_reset, run: ({ links }) => redeem(links.password_reset)() },
  edit: {
    from: USER_UPKEEP.edit,
    run: async (user) =>
      scene.call(contract.updateUser, {
        ...asked(user),
        body: { display_name: 'Another' },
        if_match: await revisionOf(user),
      }),
  },
  resend_invitation: {
    from: USER_UPKEEP.resend_invitation,
    run: (user) => scene.call(contract.resendInvitation, asked(user)),
  },
  reset_password: {
    from: USER_UPKEEP.reset_password,
    run: (user) => scene.call(contract.resetUserPassword, asked(user)),
  },
  set_password: {
    from: USER_UPKEEP.set_password,
    run: (user) =>
      scene.call(contract.setUserPassword, {
        ...asked(user),
        body: { reason, new_password: 'copper lantern 88 drift' },
      }),
  },
  reset_mfa: { from: USER_UPKEEP.reset_mfa, run: (user) => scene.call(contract.resetUserMfa, asked(user)) },
  revoke_recovery_codes: {
    from: USER_UPKEEP.revoke_recovery_codes,
    run: (user) => scene.call(contract.revokeUserRecoveryCodes, asked(user)),
  },
  unlink_identity: {
    from: USER_UPKEEP.unlink_identity,
    run: async (user) =>
      scene.call(contract.unlinkUserIdentity, {
        ...asked(user),
        params: { user_id: user.user_id, identity_id: await identityOf(user) },
      }),
  },
};

describe.each(USER_STATUSES)('a user who is %s', (status) => {
  it.each(Object.keys(ACTS))('%s: as the table says', async (name) => {
    const { from, to = status, run } = ACTS[name]!;
    const user = await everything(status);
    const allowed = from.includes(status);
    const outcome = await run(user).then(
      () => 'done',
      ({ code }: { code: string }) => code,
    );
    // A link that may not be used is void, like any other; a deleted user has nothing to change.
    if (allowed) expect(outcome).toBe('done');
    else expect(['action_not_allowed', 'not_found']).toContain(outcome);
    const [{ status: after } = {}] = await query('select status from users where user_id = $1', user.user_id);
    expect(after).toBe(allowed ? to : status);
  });

  it('comes in by password, session or token only when active', async () => {
    const { email, session, apiToken } = await everything(status);
    const signedIn = await scene.signIn(email, PASSWORD).then(
      () => true,
      () => false,
    );
    const works = async (value: string) => 'principal' in (await scene.authenticate(value));
    expect([signedIn, await works(session), await works(apiToken)]).toEqual(
      Array.from({ length: 3 }, () => status === 'active'),
    );
  });
});

it('the table lists everything that can be done', () => {
  expect(Object.keys(ACTS).sort()).toEqual(
    [USER_ACTIONS, USER_LINKS, USER_UPKEEP].flatMap((table) => Object.keys(table)).sort(),
  );
});

it('who is deleted leaves nothing that lets anybody in, a log that can be read, and an email that is invited anew', async () => {
  const user = await everything('active');
  const { user_id, email, session, apiToken, links } = user;
  const { job_id } = await scene.call(contract.deleteUser, asked(user));
  for (const table of ['assignments', 'linked_identities', 'recovery_codes', 'one_time_secrets', 'passkeys'])
    expect({ table, left: await query(`select 1 from ${table} where user_id = $1`, user_id) }).toEqual({
      table,
      left: [],
    });
  expect(await scene.authenticate(session)).toMatchObject({ rejected: 'revoked' });
  expect(await scene.authenticate(apiToken)).toMatchObject({ rejected: 'revoked' });
  for (const link of Object.values(links))
    await expect(redeem(link)()).rejects.toMatchObject({ code: 'not_found' });
  const [event] = await query(
    'select target_id, reason, changes from audit_events where job_id = $1',
    job_id,
  );
  expect(event).toMatchObject({ target_id: user_id, reason });
  expect(await scene.call(contract.getUser, { as: owner.token, params: { user_id } })).toMatchObject({
    email,
    status: 'deleted',
  });
  const invited = await scene.call(contract.inviteUser, {
    as: owner.token,
    body: { email, display_name: 'Somebody else' },
  });
  expect(invited.user).toMatchObject({ email, status: 'invited' });
  expect(invited.user.user_id).not.toBe(user_id);
  expect(
    (await scene.call(contract.explainUserPermissions, asked({ ...user, ...invited.user }))).items,
  ).toEqual([]);
});

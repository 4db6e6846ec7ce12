import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as contract from '#contract/iam.ts';
import { openOidcProvider } from '#server/adapters/oidc/oidc-provider.ts';
import { openDatabase, type DatabaseHandle } from '#server/db/database.ts';
import { createTestDatabase, type TestDatabase } from '#server/db/test-database.ts';
import { startTestOidcProvider, TEST_CLIENT } from '#tools/test-oidc-provider.ts';
import { seedRoleTemplates } from './bootstrap.ts';
import { openScene, PUBLIC_URL, type Scene } from './iam-test-scene.ts';

const RETURN = `${PUBLIC_URL}/sign-in/return`;
let testDatabase: TestDatabase;
let database: DatabaseHandle;
let scene: Scene;
let provider: Awaited<ReturnType<typeof startTestOidcProvider>>;

beforeAll(async () => {
  testDatabase = await createTestDatabase();
  database = openDatabase(testDatabase.url);
  await seedRoleTemplates(database.db);
  provider = await startTestOidcProvider(RETURN);
  const settings = {
    provider_id: 'corp',
    title: 'Corp',
    issuer: provider.issuer,
    ...TEST_CLIENT,
  };
  const scopes = ['email', 'profile'];
  const gone = { ...settings, provider_id: 'gone', title: 'Gone', issuer: 'http://localhost:9' };
  scene = openScene(database.db, {
    providers: [
      openOidcProvider({ ...settings, scopes, link_verified_email: false }),
      openOidcProvider({ ...settings, provider_id: 'trusted', scopes, link_verified_email: true }),
      openOidcProvider({ ...gone, scopes, link_verified_email: false }),
    ],
  });
});
afterAll(async () => {
  provider.close();
  await database.close();
  await testDatabase.drop();
});

/** Does at the provider what a person does in a browser; answers the query that they come back with. */
async function visit(
  authorization_url: string,
  name: string,
  answer: 'continue' | 'abort' = 'continue',
): Promise<string> {
  const jar = new Map<string, string>();
  let url = authorization_url;
  let form: URLSearchParams | null = null;
  for (let hop = 0; hop < 20; hop++) {
    const response = await fetch(url, {
      method: form ? 'POST' : 'GET',
      redirect: 'manual',
      headers: { cookie: [...jar].map(([key, value]) => `${key}=${value}`).join('; ') },
      ...(form && { body: form }),
    });
    for (const line of response.headers.getSetCookie()) {
      const [key = '', value = ''] = line.split(';')[0]!.split(/=(.*)/s);
      if (value === '') jar.delete(key);
      else jar.set(key, value);
    }
    const location = response.headers.get('location');
    form = null;
    if (location?.startsWith(RETURN)) return new URL(location).search;
    if (location !== null) {
      url = new URL(location, url).href;
      continue;
    }
    const page = await response.text();
    if (answer === 'abort') url = new URL(/href="([^"]*\/abort)"/.exec(page)?.[1] ?? '', url).href;
    else {
      url = new URL(/action="([^"]+)"/.exec(page)?.[1] ?? '', url).href;
      const prompt = /name="prompt" value="(\w+)"/.exec(page)?.[1] ?? '';
      form = new URLSearchParams({ prompt, ...(prompt === 'login' && { login: name, password: 'any' }) });
    }
  }
  throw new Error('The provider led nowhere.');
}

const depart = (provider_id: string) => scene.call(contract.startProviderLogin, { body: { provider_id } });
const arrive = (state: string, callback: string) =>
  scene.request(contract.loginWithProvider, { body: { state, callback } });

async function link(token: string, name: string) {
  const { authorization_url, state } = await scene.call(contract.startIdentityLink, {
    as: token,
    body: { provider_id: 'corp' },
  });
  const callback = await visit(authorization_url, name);
  return scene.call(contract.linkIdentity, { as: token, body: { state, callback } });
}

describe('signing in at a provider', () => {
  it('opens the account that the identity was linked to', async () => {
    const { token, user_id } = await scene.enter('linked@example.com');
    await link(token, 'somebody-else-there');
    const { authorization_url, state } = await depart('corp');
    expect(Object.fromEntries(new URL(authorization_url).searchParams)).toMatchObject({
      response_type: 'code',
      code_challenge_method: 'S256',
      state,
      nonce: expect.any(String),
      redirect_uri: RETURN,
    });
    const { answer, cookie } = await arrive(state, await visit(authorization_url, 'somebody-else-there'));
    expect(answer).toMatchObject({ next: 'done', user: { user_id } });
    expect(await scene.principalOf(cookie!)).toMatchObject({ user_id });
    const { identities } = await scene.call(contract.getMySignInMethods, { as: token });
    expect(identities).toMatchObject([{ provider_id: 'corp', email: 'somebody-else-there@example.com' }]);
    await scene.call(contract.unlinkIdentity, {
      as: token,
      params: { identity_id: identities[0]!.identity_id },
    });
    const again = await depart('corp');
    await expect(
      arrive(again.state, await visit(again.authorization_url, 'somebody-else-there')),
    ).rejects.toMatchObject({ code: 'invalid_credentials' });
  });

  it('does not take an unlinked account for the user of the same email, unless the provider is trusted with it', async () => {
    const user_id = await scene.addUser('same@example.com');
    const corp = await depart('corp');
    await expect(arrive(corp.state, await visit(corp.authorization_url, 'same'))).rejects.toMatchObject({
      code: 'invalid_credentials',
      message: expect.stringContaining('link it in your account'),
    });
    const trusted = await depart('trusted');
    const { answer } = await arrive(trusted.state, await visit(trusted.authorization_url, 'same'));
    expect(answer.user.user_id).toBe(user_id);
  });

  it('does not take an email that the provider did not verify', async () => {
    await scene.addUser('unverified@example.com');
    const { authorization_url, state } = await depart('trusted');
    await expect(arrive(state, await visit(authorization_url, 'unverified'))).rejects.toMatchObject({
      code: 'invalid_credentials',
    });
  });

  it('takes each answer once, and only for the state that it was asked with', async () => {
    await scene.addUser('replayed@example.com');
    const mine = await depart('trusted');
    const theirs = await depart('trusted');
    const callback = await visit(mine.authorization_url, 'replayed');
    await expect(arrive(theirs.state, callback)).rejects.toMatchObject({ code: 'invalid_credentials' });
    await arrive(mine.state, callback);
    await expect(arrive(mine.state, callback)).rejects.toMatchObject({ code: 'invalid_credentials' });
  });

  it('that the person breaks off says so, and one that does not answer too', async () => {
    const { authorization_url, state } = await depart('corp');
    await expect(arrive(state, await visit(authorization_url, 'x', 'abort'))).rejects.toMatchObject({
      code: 'invalid_credentials',
      message: expect.stringContaining('Corp refused'),
    });
    await expect(depart('gone')).rejects.toMatchObject({ code: 'upstream_failed' });
    await expect(depart('unknown')).rejects.toMatchObject({ code: 'not_found' });
  });
});

describe('linking', () => {
  it('gives an identity to one user only', async () => {
    const first = await scene.enter('first@example.com');
    const second = await scene.enter('second@example.com');
    await link(first.token, 'shared');
    await expect(link(second.token, 'shared')).rejects.toMatchObject({ code: 'already_exists' });
  });

  it('is bound to the session that began it', async () => {
    const mine = await scene.enter('mine@example.com');
    const other = await scene.enter('other@example.com');
    const { authorization_url, state } = await scene.call(contract.startIdentityLink, {
      as: other.token,
      body: { provider_id: 'corp' },
    });
    const callback = await visit(authorization_url, 'theirs');
    await expect(
      scene.call(contract.linkIdentity, { as: mine.token, body: { state, callback } }),
    ).rejects.toMatchObject({ code: 'invalid_credentials' });
  });
});

/** Coming in by accounts elsewhere, in a real browser: at an OpenID Connect provider (npm oidc-provider), and by the tokens of an issuer. */
import AxeBuilder from '@axe-core/playwright';
import { expect, type Page } from '@playwright/test';
import pg from 'pg';
import { startTestOidcProvider, TEST_CLIENT } from '#tools/test-oidc-provider.ts';
import { AUDIENCE, startTestTokenIssuer, type TestTokenIssuer } from '#tools/test-token-issuer.ts';
import { createPerson, openSignedIn, submitSignIn, test } from './admin-browser.ts';
import { freePort, OWNER, signIn, type Caller, type ControlProcess } from './control-process.ts';
import { startLastingPlatform, type LastingPlatform } from './lasting-platform.ts';

let provider: Awaited<ReturnType<typeof startTestOidcProvider>>;
let issuer: TestTokenIssuer;
let platform: LastingPlatform;
let control: ControlProcess;
let owner: Caller;

test.beforeAll(async () => {
  test.setTimeout(120_000);
  const port = await freePort();
  const public_url = `http://localhost:${port}`;
  provider = await startTestOidcProvider(`${public_url}/sign-in/return`);
  issuer = await startTestTokenIssuer();
  platform = await startLastingPlatform();
  const oidc = { issuer: provider.issuer, client_id: TEST_CLIENT.client_id };
  const file = await platform.writeConfiguration({
    http: { public_url },
    sign_in: {
      providers: [
        { ...oidc, provider_id: 'corp', title: 'Corp' },
        { ...oidc, provider_id: 'partner', title: 'Partner', link_verified_email: true },
        { ...oidc, provider_id: 'gone', title: 'Gone', issuer: `http://localhost:${await freePort()}` },
      ],
    },
    token_issuers: [
      {
        issuer_id: 'gateway',
        title: 'Gateway',
        issuer: issuer.issuer,
        audience: AUDIENCE,
        jwks_url: issuer.jwks_url,
        algorithms: ['ES256'],
      },
    ],
  });
  const secrets = ['CORP', 'PARTNER'].map((id) => [`CONTROL_OIDC_${id}_SECRET`, TEST_CLIENT.secret]);
  control = await platform.start({ port, env: { CONTROL_CONFIG: file, ...Object.fromEntries(secrets) } });
  owner = await signIn(control.url);
});
test.afterAll(async () => {
  await control?.stop();
  await platform?.stop();
  await issuer?.close();
  provider?.close();
});

/** A refused request is written to the console by the browser itself, and so is a provider that is away. */
test.use({ expectedErrors: /^Failed to load resource: the server responded with a status of (4\d\d|502) / });
/** The provider's own pages ask for a font of the internet. */
test.beforeEach(({ context }) =>
  context.route(
    ({ hostname }) => hostname !== 'localhost',
    (route) => route.fulfill({ contentType: 'text/css', body: '' }),
  ),
);

const noSeriousFaults = async (page: Page) => {
  const { violations } = await new AxeBuilder({ page }).analyze();
  expect(violations.filter(({ impact }) => impact === 'serious' || impact === 'critical')).toEqual([]);
};
const signedIn = (page: Page) => expect(page.getByRole('navigation', { name: 'Main' })).toBeVisible();
/** Leaves here and, unless asked otherwise, stays signed in at the provider. */
async function toSignInPage(page: Page): Promise<void> {
  await page.context().clearCookies({ name: /control/i });
  await page.goto(`${control.url}/sign-in`);
}
/** What a person does at the provider. */
async function signInThere(page: Page, name: string): Promise<void> {
  await page.locator('input[name=login]').fill(name);
  await page.locator('input[name=password]').fill('any');
  await page.locator('button[type=submit]').click();
  await page.getByRole('button', { name: 'Continue' }).click();
}
async function letSessionsAge(email: string): Promise<void> {
  const client = new pg.Client({ connectionString: platform.postgres.url });
  await client.connect();
  await client.query(
    `update sessions set authenticated_at = now() - interval '1 hour' where user_id = (select user_id from users where email = $1)`,
    [email],
  );
  await client.end();
}
async function confirmPassword(page: Page, password: string): Promise<void> {
  const prompt = page.getByRole('dialog', { name: /Confirm that it is you/ });
  await prompt.getByLabel('Your password').fill(password);
  await prompt.getByRole('button', { name: 'Confirm' }).click();
}

test('an account at a provider is linked and unlinked after confirming who one is, and signs in only in between', async ({
  page,
}) => {
  const person = await createPerson(owner, 'kim@example.com', 'admin');
  await openSignedIn(page, `${control.url}/account`, person);
  await letSessionsAge(person.email);
  const panel = page.getByRole('main').locator('section', { hasText: 'Linked accounts' });
  await panel.getByRole('button', { name: 'Link… Corp' }).click();
  await confirmPassword(page, person.password);
  await signInThere(page, 'kim-there');
  await expect(panel).toContainText('Corp · kim-there@example.com');
  await expect(panel).toContainText('signs in');
  await noSeriousFaults(page);

  await toSignInPage(page);
  await page.getByRole('button', { name: 'Continue with Corp' }).click();
  await signedIn(page);

  await page.goto(`${control.url}/account`);
  await letSessionsAge(person.email);
  await panel.getByRole('button', { name: 'Unlink… Corp' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Unlink' }).click();
  await confirmPassword(page, person.password);
  await expect(panel).not.toContainText('kim-there');

  await toSignInPage(page);
  await page.getByRole('button', { name: 'Continue with Corp' }).click();
  await expect(page.getByRole('alert')).toContainText('No user here is linked to this account at Corp');
  await noSeriousFaults(page);
  await page.getByRole('link', { name: 'To the sign-in page' }).click();
  await submitSignIn(page, person);
  await signedIn(page);
});

test('who comes from a provider that is trusted with emails is the user of that email from the first time on', async ({
  page,
}) => {
  await createPerson(owner, 'first@example.com', 'admin');
  await page.goto(`${control.url}/account`);
  await page.getByRole('button', { name: 'Continue with Partner' }).click();
  await signInThere(page, 'first');
  await signedIn(page);
  await expect(page).toHaveURL(/\/account(\?|$)/);
  await expect(page.getByText('first@example.com').first()).toBeVisible();

  await page.context().clearCookies();
  await page.goto(`${control.url}/sign-in`);
  await page.getByRole('button', { name: 'Continue with Partner' }).click();
  await signInThere(page, 'nobody-here');
  await expect(page.getByRole('alert')).toContainText('No user here is linked to this account at Partner');
});

test('a provider that is away, or at which one thinks better of it, leaves the password as the way in', async ({
  page,
}) => {
  await page.goto(`${control.url}/sign-in`);
  await page.getByRole('button', { name: 'Continue with Corp' }).click();
  await page.getByRole('link', { name: 'Cancel' }).click();
  await expect(page.getByRole('alert')).toContainText('Corp refused');
  await page.getByRole('link', { name: 'To the sign-in page' }).click();

  await page.getByRole('button', { name: 'Continue with Gone' }).click();
  await expect(page.getByRole('alert')).toContainText(
    'Gone does not answer; try again, or sign in another way.',
  );
  await noSeriousFaults(page);
  await submitSignIn(page);
  await signedIn(page);
});

test('an account at a token issuer is linked to a user, whose roles its tokens then have until it is unlinked', async ({
  page,
}) => {
  const person = await createPerson(owner, 'robin@example.com', 'support');
  const answerTo = async (sid: string) =>
    (
      await fetch(`${control.url}/admin/v1/iam/users`, {
        headers: { authorization: `Bearer ${await issuer.sign({ sub: 'robin-there', sid })}` },
      })
    ).status;
  expect(await answerTo('one')).toBe(401);

  await openSignedIn(page, `${control.url}/users/${person.user_id}`);
  await letSessionsAge(OWNER.email);
  const panel = page.getByRole('main').locator('section', { hasText: 'Linked accounts' });
  await expect(panel).toContainText('None.');
  await panel.getByRole('button', { name: 'Link account…' }).click();
  const dialog = page.getByRole('dialog');
  await expect(dialog.getByRole('combobox', { name: 'Issuer' })).toHaveValue('Gateway');
  await dialog.getByLabel('Subject').fill('robin-there');
  await dialog.getByLabel('Reason').fill('robin signs in at the Gateway');
  await noSeriousFaults(page);
  await dialog.getByRole('button', { name: 'Link account' }).click();
  await confirmPassword(page, OWNER.password);
  await expect(panel).toContainText('robin-there');
  await expect(panel).toContainText('by its tokens');
  expect([await answerTo('one'), await answerTo('two')]).toEqual([200, 200]);

  await page.goto(`${control.url}/token-issuers`);
  const gateway = page.getByRole('main').locator('section', { hasText: 'Gateway' });
  await expect(gateway).toContainText('keys current');
  await expect(gateway).toContainText('1 account');
  await noSeriousFaults(page);
  await gateway.getByRole('button', { name: 'End a session… of Gateway' }).click();
  await page.getByRole('dialog').getByLabel('Session id').fill('one');
  await page.getByRole('dialog').getByLabel('Reason').fill('a laptop was lost');
  await page.getByRole('dialog').getByRole('button', { name: 'End session' }).click();
  await expect(page.getByRole('dialog')).toHaveCount(0);
  expect([await answerTo('one'), await answerTo('two')]).toEqual([401, 200]);

  await page.goto(`${control.url}/users/${person.user_id}`);
  await panel.getByRole('button', { name: 'Unlink… Gateway' }).click();
  await expect(page.getByRole('dialog')).toContainText('Its tokens are refused from the next request on');
  await page.getByRole('dialog').getByLabel('Reason').fill('robin left');
  await page.getByRole('dialog').getByRole('button', { name: 'Unlink account' }).click();
  await expect(panel).toContainText('None.');
  expect(await answerTo('two')).toBe(401);
});

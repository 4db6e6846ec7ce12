/** Every way to sign in as a person does it, in a real browser: codes, recovery codes, passkeys, invitations, resets. */
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import AxeBuilder from '@axe-core/playwright';
import { expect, type Page } from '@playwright/test';
import { HOTP, Secret, TOTP } from 'otpauth';
import { createPerson, openSignedIn, startWorld, submitSignIn, test, type World } from './admin-browser.ts';
import { signIn } from './control-process.ts';

let world: World;
test.beforeAll(async () => {
  test.setTimeout(120_000);
  world = await startWorld(5);
});
test.afterAll(() => world?.stop());

const codeOf = (secret: string, offset = 0) =>
  HOTP.generate({ secret: Secret.fromBase32(secret.replace(/\s/g, '')), counter: TOTP.counter() + offset });

/** A device with a passkey store that unlocks for the person without asking. */
async function addAuthenticator(page: Page): Promise<void> {
  const session = await page.context().newCDPSession(page);
  await session.send('WebAuthn.enable');
  await session.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2',
      transport: 'internal',
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  });
}

async function expectAccessible(page: Page): Promise<void> {
  const { violations } = await new AxeBuilder({ page }).analyze();
  const serious = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
  expect(serious.map(({ id, nodes }) => `${id}: ${nodes[0]?.target.join(' ')}`)).toEqual([]);
}

const signedIn = (page: Page) => expect(page.getByRole('navigation', { name: 'Main' })).toBeVisible();
const signOut = async (page: Page) => {
  await page.goto(`${world.control.url}/account`);
  await page.context().clearCookies();
  await page.goto(`${world.control.url}/sign-in`);
};

test('an authenticator app is set up, asked for at the next sign-in, and replaced by a recovery code when lost', async ({
  page,
}) => {
  const owner = await signIn(world.control.url);
  const person = await createPerson(owner, 'totp@example.com', 'admin');
  await openSignedIn(page, `${world.control.url}/account`, person);
  await page.getByRole('button', { name: 'Set up…' }).click();
  const setup = page.getByRole('dialog');
  const secret = (await setup.getByRole('group', { name: 'Key' }).textContent()) ?? '';
  await expect(setup.getByRole('img', { name: 'QR code of the key' })).toBeVisible();
  await expectAccessible(page);
  await setup.getByLabel('Code that the app shows').fill(codeOf(secret, -1));
  await setup.getByRole('button', { name: 'Use this app' }).click();
  const codes = page.getByRole('list', { name: 'Recovery codes' }).getByRole('listitem');
  await expect(codes).toHaveCount(10);
  const recoveryCode = (await codes.first().textContent()) ?? '';
  await page
    .getByRole('dialog', { name: 'Your recovery codes' })
    .getByRole('button', { name: 'Close' })
    .click();
  await expect(page.getByText('10 codes left')).toBeVisible();

  await signOut(page);
  await submitSignIn(page, person);
  await expect(page.getByRole('heading', { name: 'Second step' })).toBeVisible();
  await expectAccessible(page);
  // The password alone opens nothing.
  const half = await page.request.get(`${world.control.url}/admin/v1/iam/me`);
  expect(half.status()).toBe(401);
  await page.getByLabel('Code of your authenticator app').fill(codeOf(secret));
  await page.getByRole('button', { name: 'Continue' }).click();
  await signedIn(page);

  await signOut(page);
  await submitSignIn(page, person);
  await page.getByLabel('Code of your authenticator app').fill(codeOf(secret));
  await page.getByRole('button', { name: 'Continue' }).click();
  await expect(page.getByRole('alert')).toContainText('was used before');
  await page.getByRole('button', { name: 'Use a recovery code' }).click();
  await page.getByLabel('Recovery code').fill(recoveryCode);
  await page.getByRole('button', { name: 'Continue' }).click();
  await signedIn(page);
});

test('a passkey is added, and then signs in without email and password', async ({ page }) => {
  const owner = await signIn(world.control.url);
  const person = await createPerson(owner, 'passkey@example.com', 'admin');
  await addAuthenticator(page);
  await openSignedIn(page, `${world.control.url}/account`, person);
  await page.getByRole('button', { name: 'Add a passkey' }).click();
  await expect(page.getByRole('list', { name: 'Recovery codes' })).toBeVisible();
  await page.getByRole('button', { name: 'Close' }).click();
  await expect(page.getByRole('button', { name: /^Remove… passkey/ })).toBeVisible();
  await expectAccessible(page);

  await signOut(page);
  await page.getByRole('button', { name: 'Use a passkey' }).click();
  await signedIn(page);

  await signOut(page);
  await submitSignIn(page, person);
  await page.getByRole('button', { name: 'Use a passkey' }).click();
  await signedIn(page);
});

test('a role that demands a second factor leads to its enrolment at the next sign-in', async ({ page }) => {
  const owner = await signIn(world.control.url);
  const person = await createPerson(owner, 'demanded@example.com', 'support');
  const policy = {
    methods: ['password', 'passkey', 'provider'],
    mfa_required: true,
    reason: 'policy review',
  };
  expect((await owner.call('PUT', '/iam/roles/support/sign-in-policy', policy)).status).toBe(200);
  await addAuthenticator(page);
  await page.goto(`${world.control.url}/sign-in`);
  await submitSignIn(page, person);
  await expect(page.getByRole('heading', { name: 'Your role demands a second factor' })).toBeVisible();
  await expectAccessible(page);
  await page.getByRole('button', { name: 'A passkey of this device' }).click();
  await expect(page.getByRole('heading', { name: 'Keep your recovery codes' })).toBeVisible();
  await page.getByRole('button', { name: 'I have kept them' }).click();
  await signedIn(page);
});

test('an invited user chooses a password by the link, once', async ({ page, browser }) => {
  await openSignedIn(page, `${world.control.url}/users`);
  await page.getByRole('button', { name: 'Invite user' }).click();
  const drawer = page.getByRole('dialog');
  await drawer.getByLabel('Email').fill('invited@example.com');
  await drawer.getByLabel('Name').fill('Iris Invited');
  await drawer.getByRole('button', { name: 'Send invitation' }).click();
  const link = (await page.getByRole('group', { name: 'Link' }).textContent()) ?? '';
  await page.getByRole('button', { name: 'Done' }).click();

  const context = await browser.newContext();
  const guest = await context.newPage();
  await guest.goto(link);
  await expect(guest.getByRole('heading', { name: 'Accept your invitation' })).toBeVisible();
  expect(new URL(guest.url()).hash).toBe('');
  await expectAccessible(guest);
  await guest.getByLabel('New password', { exact: true }).fill('copper lantern 88 drift');
  await guest.getByRole('button', { name: 'Choose password and accept' }).click();
  await guest.getByRole('link', { name: 'Sign in' }).click();
  await submitSignIn(guest, { email: 'invited@example.com', password: 'copper lantern 88 drift' });
  await signedIn(guest);
  await guest.goto(link);
  await expect(guest.getByRole('alert')).toContainText('This link does not work');
  await context.close();
});

test('a forgotten password is reset by the link in the mail', async ({ page }) => {
  const owner = await signIn(world.control.url);
  const person = await createPerson(owner, 'forgetful@example.com', 'read-only');
  await page.goto(`${world.control.url}/sign-in`);
  await page.getByRole('link', { name: 'Forgot your password?' }).click();
  await page.getByLabel('Email').fill(person.email);
  await expectAccessible(page);
  await page.getByRole('button', { name: 'Send the link' }).click();
  await expect(page.getByRole('status')).toContainText('on its way');
  const folder = path.join(world.control.dataDir, 'data', 'mail');
  const read = async () => {
    const names = await readdir(folder).catch(() => []);
    const mails = await Promise.all(names.map((name) => readFile(path.join(folder, name), 'utf8')));
    return mails.find((mail) => mail.includes(`To: ${person.email}`))?.replaceAll('=\n', '') ?? '';
  };
  await expect.poll(read).toContain('/reset-password#');
  const link = /https?:\/\/\S+\/reset-password#[\w-]+/.exec(await read())?.[0] ?? '';
  await page.goto(link);
  await page.getByLabel('New password', { exact: true }).fill('copper lantern 99 drift');
  await page.getByRole('button', { name: 'Choose password' }).click();
  await page.getByRole('link', { name: 'Sign in' }).click();
  await submitSignIn(page, { email: person.email, password: 'copper lantern 99 drift' });
  await signedIn(page);
});

/** Sessions in the browser: found by user, tenant and address, ended one by one and all of a tenant, and refused at their next request. */
import path from 'node:path';
import AxeBuilder from '@axe-core/playwright';
import { expect, type Page } from '@playwright/test';
import { readManifest } from '#fleet/manifest.ts';
import { createPerson, lastTenants, openSignedIn, startWorld, test, type World } from './admin-browser.ts';
import { signIn, waitFor, type Caller } from './control-process.ts';

let world: World;
let owner: Caller;
test.beforeAll(async () => {
  test.setTimeout(120_000);
  world = await startWorld(5);
  owner = await signIn(world.control.url);
});
test.afterAll(() => world?.stop());

async function expectAccessible(page: Page): Promise<void> {
  const { violations } = await new AxeBuilder({ page }).analyze();
  const serious = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
  expect(serious.map(({ id, nodes }) => `${id}: ${nodes[0]?.target.join(' ')}`)).toEqual([]);
}

const REASON = 'SEC-7: a lost laptop';

/** An end user who signs in at the Gateway of prod; `status` is what their next request is answered with. */
async function endUser(tenant_id: string, user_id: string): Promise<{ status(): Promise<number> }> {
  const manifest = await readManifest(path.join(world.control.dataDir, 'data', 'platform', 'manifest.json'));
  const gateway = manifest?.nodes.find(
    ({ kind, environment }) => kind === 'gateway' && environment === 'prod',
  );
  if (!gateway) throw new Error('The simulated platform has no gateway in prod');
  const signedIn = await fetch(`${gateway.url}/sign-in`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'user-agent': 'curl/8.5.0' },
    body: JSON.stringify({ tenant_id, user_id }),
  });
  expect(signedIn.status).toBe(200);
  const { access_token } = (await signedIn.json()) as { access_token: string };
  const status = async () => {
    const answer = await fetch(`${gateway.url}/me`, { headers: { authorization: `Bearer ${access_token}` } });
    return answer.status;
  };
  expect(await status()).toBe(200);
  await waitFor(
    'the session in the list',
    async () =>
      (
        await owner.call<{ items: unknown[] }>(
          'GET',
          `/iam/sessions?source=gateway&end_user_id=${encodeURIComponent(user_id)}`,
        )
      ).body.items.length,
    (count) => count === 1,
  );
  return { status };
}

test('a session is found by its user and address, looked at, ended, and refused at its next request', async ({
  page,
  browser,
}) => {
  const person = await createPerson(owner, 'lost.laptop@example.com', 'read-only');
  const elsewhere = await browser.newContext();
  const laptop = await elsewhere.newPage();
  await openSignedIn(laptop, world.control.url, person);

  await openSignedIn(page, `${world.control.url}/sessions?source=control&ip=127.0.0.0%2F8`);
  await page.getByPlaceholder('Search by email, end user or address').fill('lost.laptop');
  await expect(page.getByText('1 session', { exact: true })).toBeVisible();
  await expect(page).toHaveURL(/q=lost\.laptop/);
  await expectAccessible(page);
  await page.getByRole('button', { name: person.email }).click();
  const drawer = page.getByRole('dialog', { name: `Session of ${person.email}` });
  await expect(drawer).toContainText('127.0.0.0/24');
  await expectAccessible(page);
  await drawer.getByRole('button', { name: 'End session…' }).click();
  const dialog = page.getByRole('dialog', { name: 'End session' });
  await dialog.getByLabel(/^Reason/).fill(REASON);
  await dialog.getByRole('button', { name: 'End session' }).click();
  await expect(page.getByRole('row', { name: /lost\.laptop/ })).toContainText('revoked');

  // The page notices by itself, at its next look at anything.
  await expect(laptop.getByRole('button', { name: 'Sign in' })).toBeVisible({ timeout: 30_000 });
  await elsewhere.close();
});

test('an end user is found by tenant, and signed out at the Gateway', async ({ page }) => {
  const [tenant] = await lastTenants(owner, 1);
  const tenant_id = tenant?.tenant_id ?? '';
  const anna = await endUser(tenant_id, 'anna@one');
  const other = await endUser(tenant_id, 'bert@one');
  await openSignedIn(page, `${world.control.url}/sessions?tenant_id=${tenant_id}&q=anna`);
  await page.getByRole('button', { name: 'anna@one' }).click();
  const drawer = page.getByRole('dialog', { name: 'Session of anna@one' });
  await expect(drawer).toContainText('family');
  await drawer.getByRole('button', { name: 'End all of this end user…' }).click();
  const dialog = page.getByRole('dialog', { name: /End all sessions of anna@one/ });
  await dialog.getByLabel(/^Reason/).fill(REASON);
  await dialog.getByRole('button', { name: 'End all sessions' }).click();
  await expect(page.getByRole('row', { name: /anna@one/ })).toContainText('revoked');
  expect(await anna.status()).toBe(401);
  expect(await other.status()).toBe(200);
});

test('all end users of a tenant are signed out from its page', async ({ page }) => {
  const [, tenant] = await lastTenants(owner, 2);
  const tenant_id = tenant?.tenant_id ?? '';
  const anna = await endUser(tenant_id, 'anna@all');
  await openSignedIn(page, `${world.control.url}/tenants/${tenant_id}/sessions?env=prod`);
  await expect(page.getByRole('button', { name: 'anna@all' })).toBeVisible();
  await expectAccessible(page);
  await page.getByRole('button', { name: 'End all in prod…' }).click();
  const dialog = page.getByRole('dialog', { name: /End all sessions of/ });
  await dialog.getByLabel(/^Reason/).fill(REASON);
  await dialog.getByLabel(/to confirm/).fill(tenant_id);
  await dialog.getByRole('button', { name: 'End all sessions' }).click();
  await expect(page.getByRole('row', { name: /anna@all/ })).toContainText('revoked');
  expect(await anna.status()).toBe(401);
  await expect(page.getByRole('row', { name: /prod.*active/ })).toHaveCount(0);
});

test('all sessions that match a filter end by a plan that says whose they are and spares the own one', async ({
  page,
}) => {
  const [, , tenant] = await lastTenants(owner, 3);
  const tenant_id = tenant?.tenant_id ?? '';
  const anna = await endUser(tenant_id, 'anna@match');
  const other = await endUser(tenant_id, 'bert@match');
  await openSignedIn(page, `${world.control.url}/sessions`);
  await expect(page.getByRole('button', { name: 'End all that match…' })).toBeDisabled();
  await page.goto(`${world.control.url}/sessions?source=gateway&tenant_id=${tenant_id}&q=anna`);
  await page.getByRole('button', { name: 'End all that match…' }).click();
  const dialog = page.getByRole('dialog');
  const touched = dialog.locator('dl').filter({ hasText: 'end user' });
  await expect(touched).toContainText(
    `1 sessionnone of them is yours0 users1 end useranna@match of ${tenant_id} · prod1 tenant`,
  );
  await expectAccessible(page);
  await dialog.getByLabel(/^Reason/).fill(REASON);
  const typed = dialog.getByLabel(/This cannot be undone/);
  await typed.fill((await dialog.locator('label code, label span').last().textContent()) ?? '');
  await dialog.getByRole('button', { name: 'End sessions' }).click();
  await expect(dialog.getByText('succeeded').first()).toBeVisible({ timeout: 30_000 });
  expect(await anna.status()).toBe(401);
  expect(await other.status()).toBe(200);
});

test('one signs out everywhere else from the own account', async ({ page, browser }) => {
  const person = await createPerson(owner, 'two.places@example.com', 'read-only');
  const elsewhere = await browser.newContext();
  const other = await elsewhere.newPage();
  await openSignedIn(other, world.control.url, person);
  await openSignedIn(page, `${world.control.url}/account`, person);
  await page.getByRole('button', { name: 'Sign out everywhere else' }).click();
  await expect(page.getByText('1 session ended')).toBeVisible();
  await other.reload();
  await expect(other.getByRole('button', { name: 'Sign in' })).toBeVisible();
  await expect(page.getByText('this session')).toBeVisible();
  await elsewhere.close();
});

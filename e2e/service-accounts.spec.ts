/** A service account in the browser: made, given a role and a token, its token rotated and revoked, its tokens stopped with it. */
import AxeBuilder from '@axe-core/playwright';
import { expect, type Page } from '@playwright/test';
import { openSignedIn, startWorld, test, type World } from './admin-browser.ts';

let world: World;
test.beforeAll(async () => {
  test.setTimeout(120_000);
  world = await startWorld(5);
});
test.afterAll(() => world?.stop());

const noSeriousFaults = async (page: Page) => {
  const { violations } = await new AxeBuilder({ page }).analyze();
  expect(violations.filter(({ impact }) => impact === 'serious' || impact === 'critical')).toEqual([]);
};
const meAs = (value: string) =>
  fetch(`${world.control.url}/admin/v1/iam/me`, { headers: { authorization: `Bearer ${value}` } });
/** The value that the drawer shows once. */
const shownToken = async (page: Page): Promise<string> => {
  const value = (await page.getByRole('group', { name: 'Token' }).textContent()) ?? '';
  expect(value).toMatch(/^clc_[A-Za-z0-9_-]{49}$/);
  await page.getByRole('button', { name: 'Done' }).click();
  return value;
};
const choose = async (page: Page, row: string | RegExp, action: string) => {
  await page
    .getByRole('row', { name: row })
    .getByRole('button', { name: /^Actions/ })
    .click();
  await page.getByRole('menuitem', { name: action }).click();
};

test('a pipeline gets an account with a role and a token, which is rotated without an outage', async ({
  page,
}) => {
  await openSignedIn(page, `${world.control.url}/service-accounts`);
  await expect(page.getByText('No service accounts')).toBeVisible();
  await noSeriousFaults(page);
  await page.getByRole('button', { name: 'Create service account' }).first().click();
  const form = page.getByRole('dialog');
  await form.getByLabel('Name').fill('ci-deploy');
  await form.getByLabel('What it is for').fill('Deploys from the pipeline');
  await form.getByRole('button', { name: 'Create service account' }).click();
  await expect(page.getByRole('heading', { name: 'Deploys from the pipeline' })).toBeVisible();

  await page.getByRole('button', { name: 'Give a role' }).click();
  const role = page.getByRole('dialog');
  await role.getByPlaceholder('Choose a role').fill('Operator');
  await page.getByRole('option', { name: 'Operator' }).click();
  await role.getByRole('button', { name: 'Give role' }).click();
  await expect(page.getByRole('row', { name: /operator/ })).toBeVisible();

  await page.getByRole('button', { name: 'Create token' }).click();
  const drawer = page.getByRole('dialog');
  await drawer.getByRole('textbox', { name: 'Name' }).fill('deploy-job');
  await drawer.getByRole('checkbox', { name: /tenants\.read/ }).check();
  await noSeriousFaults(page);
  await drawer.getByRole('button', { name: 'Create token' }).click();
  const first = await shownToken(page);
  expect(await (await meAs(first)).json()).toMatchObject({
    user: { email: 'ci-deploy@service-account', kind: 'service_account' },
  });

  await choose(page, /deploy-job/, 'Rotate token…');
  await page.getByRole('dialog').getByRole('button', { name: 'Rotate token' }).click();
  await expect(page.getByRole('dialog')).toContainText('goes on until');
  const second = await shownToken(page);
  expect([(await meAs(first)).status, (await meAs(second)).status]).toEqual([200, 200]);
  const old = page.getByRole('row', { name: /retiring/ });
  await expect(old).toContainText(`to ${second.slice(0, 8)}…`);
  await noSeriousFaults(page);

  await choose(page, /retiring/, 'Revoke token…');
  const revoke = page.getByRole('dialog');
  await revoke.getByLabel('Reason').fill('everything uses the new one');
  await revoke.getByRole('button', { name: 'Revoke token' }).click();
  await expect(page.getByRole('row', { name: /revoked/ })).toBeVisible();
  expect([(await meAs(first)).status, (await meAs(second)).status]).toEqual([401, 200]);

  await choose(page, new RegExp(`from ${first.slice(0, 8)}`), 'What it may do…');
  const explained = page.getByRole('dialog');
  await expect(explained.getByRole('row', { name: /tenants\.read/ })).toContainText(
    'by Operator, which holds tenants.read; the token names tenants.read',
  );
  await expect(explained.getByRole('row', { name: /scale\.migrate/ })).toHaveCount(0);
  await explained.getByRole('button', { name: 'Close' }).click();

  await page.getByRole('button', { name: 'Actions of Deploys from the pipeline' }).click();
  await page.getByRole('menuitem', { name: 'Disable service account…' }).click();
  const disable = page.getByRole('dialog');
  await expect(disable).toContainText('1 token');
  await disable.getByLabel('Reason').fill('the pipeline is being moved');
  await disable.getByRole('button', { name: 'Disable service account' }).click();
  await expect(page.getByText('disabled', { exact: true })).toBeVisible();
  expect((await meAs(second)).status).toBe(401);
  await expect(page.getByRole('button', { name: 'Create token' })).toHaveAttribute('aria-disabled', 'true');
});

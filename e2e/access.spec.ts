/** Roles in the browser: who may what and why, what a change would do before it is made, and what each endpoint needs. */
import AxeBuilder from '@axe-core/playwright';
import { expect } from '@playwright/test';
import { createPerson, openSignedIn, startWorld, test, type World } from './admin-browser.ts';
import { signIn } from './control-process.ts';

let world: World;
test.beforeAll(async () => {
  test.setTimeout(120_000);
  world = await startWorld(5);
});
test.afterAll(() => world?.stop());

test('a role is given until a time, after seeing what it adds, and is then explained', async ({ page }) => {
  const person = await createPerson(await signIn(world.control.url), 'given@example.com', 'read-only');
  await openSignedIn(page, `${world.control.url}/users/${person.user_id}`);
  await page.getByRole('button', { name: 'Give a role' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByPlaceholder('Choose a role').fill('Support');
  await page.getByRole('option', { name: 'Support' }).click();
  await dialog.getByLabel('Ends').fill('2035-05-05T12:00');
  const preview = dialog.getByRole('region', { name: 'What this changes' });
  await expect(preview).toContainText('1 user gains something');
  await expect(preview).toContainText('iam.sessions.revoke');
  await expect(preview).not.toContainText('scale.view');
  const { violations } = await new AxeBuilder({ page }).analyze();
  expect(violations.filter(({ impact }) => impact === 'serious' || impact === 'critical')).toEqual([]);
  await dialog.getByRole('button', { name: 'Give role' }).click();
  await expect(page.getByRole('row', { name: /support/ })).toBeVisible();

  await page
    .getByRole('row', { name: /support/ })
    .getByRole('button', { name: /^Actions of/ })
    .click();
  await page.getByRole('menuitem', { name: 'Change when it ends…' }).click();
  const ending = new Date(Date.now() + 3 * 24 * 3600_000).toISOString().slice(0, 16);
  await dialog.getByLabel('Ends').fill(ending);
  await expect(dialog.getByRole('region', { name: 'What this changes' })).toContainText(
    'Nobody gains or loses anything',
  );
  await dialog.getByLabel('Reason').fill('the audit ends sooner');
  await dialog.getByRole('button', { name: 'Change end' }).click();
  await expect(dialog).toBeHidden();
  await page.getByText('Ends within 7 days').click();
  await expect(page.getByRole('row', { name: /support/ })).toBeVisible();
  await expect(page.getByRole('row', { name: /read-only/ })).toBeHidden();

  await page.getByRole('link', { name: 'Permissions', exact: true }).click();
  const row = page.getByRole('row', { name: /iam\.sessions\.revoke/ });
  await expect(row).toContainText('everywhere by Support, which holds iam.sessions.*, ends');
  await expect(page.getByRole('row', { name: /jobs\.view/ })).toContainText('Read-only');
});

test('what an endpoint needs is found by its path', async ({ page }) => {
  await openSignedIn(page, `${world.control.url}/roles?tab=endpoints`);
  await page.getByPlaceholder('Search paths and permissions').fill('assignments/preview');
  await expect(page.getByText('1 endpoint', { exact: true })).toBeVisible();
  await expect(page.getByRole('row', { name: /assignments\/preview/ })).toContainText('iam.roles.assign');
  const { violations } = await new AxeBuilder({ page }).analyze();
  expect(violations.filter(({ impact }) => impact === 'serious' || impact === 'critical')).toEqual([]);
});

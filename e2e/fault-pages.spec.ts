/** What a person sees while PostgreSQL, the placement store or a node is away: the last data, dimmed and aging, and what is wrong; and that it passes without a reload. */
import { expect, type Page } from '@playwright/test';
import { openSignedIn, test } from './admin-browser.ts';
import { signIn, waitFor, type Caller, type ControlProcess } from './control-process.ts';
import { readiness, timed } from './fault-tools.ts';
import { createTenant } from './lasting-platform.ts';
import { natsMissing, startNatsPlatform } from './nats-platform.ts';

/** The browser itself writes a line for every answer of 4xx and 5xx, and for every stream that breaks. */
test.use({ expectedErrors: /^Failed to load resource: / });

test.describe.serial('a page that is open while', () => {
  test.skip(natsMissing !== null, natsMissing ?? '');
  let platform: Awaited<ReturnType<typeof startNatsPlatform>>;
  let control: ControlProcess;
  let caller: Caller;

  test.beforeAll(async () => {
    platform = await startNatsPlatform();
    control = await platform.start();
    caller = await signIn(control.url);
    for (const tenant of ['acme', 'blue-lake', 'corner-shop']) await createTenant(caller, tenant);
  });
  test.afterAll(async () => {
    await control?.stop();
    await platform?.stop();
  });

  /** Tells a page that stayed open from one that was loaded anew. */
  const mark = (page: Page) => page.evaluate(() => document.body.setAttribute('data-stayed', 'yes'));
  const stayed = (page: Page) => expect(page.locator('body')).toHaveAttribute('data-stayed', 'yes');

  test('PostgreSQL is away keeps the last rows, dimmed, and recovers by itself', async ({
    page,
    context,
  }) => {
    await openSignedIn(page, `${control.url}/scale/nodes`);
    await expect(page.getByRole('link', { name: 'Overview' })).toBeVisible();
    const row = page.getByRole('row').filter({ hasText: 'prod-agg-1' });
    await expect(row).toBeVisible();
    await mark(page);
    await platform.crashPostgres();
    const alert = page.getByRole('alert').filter({ hasText: 'The database does not answer just now' });
    await expect(alert).toBeVisible({ timeout: 20_000 });
    await expect(alert).toContainText('What you see below is the last answer');
    await expect(alert).toContainText('unavailable');
    await expect(row).toBeVisible();
    await expect(page.locator('[data-dimmed]')).toBeVisible();
    await expect(page.getByLabel('Stale').first()).toBeVisible({ timeout: 20_000 });
    // Going elsewhere says so, too, and does not sign anybody out.
    await page.getByRole('link', { name: 'Overview' }).click();
    await expect(page.getByText('The database does not answer just now').first()).toBeVisible({
      timeout: 20_000,
    });
    const second = await context.newPage();
    await second.goto(`${control.url}/tenants`);
    await expect(second.getByRole('alert')).toContainText('The database does not answer just now', {
      timeout: 20_000,
    });
    await platform.startPostgres();
    await waitFor(
      '/ready',
      () => readiness(control),
      ({ ready }) => ready,
    );
    await timed('PostgreSQL ready → the page is whole again', () =>
      expect(page.getByText('The database does not answer just now')).toHaveCount(0, { timeout: 30_000 }),
    );
    await expect(page.getByText('every placement watched')).toBeVisible({ timeout: 20_000 });
    await expect(second.getByRole('row').filter({ hasText: 'acme' })).toBeVisible({ timeout: 20_000 });
    await expect(second.getByRole('alert')).toHaveCount(0);
    await page.goBack();
    await expect(row).toContainText('ready');
    await expect(page.locator('[data-dimmed]')).toHaveCount(0);
    await stayed(page);
  });

  test('the placement store is away and a node hangs says both, with the age of what it shows, and catches up by itself', async ({
    page,
  }) => {
    await openSignedIn(page, `${control.url}/scale/nodes`);
    const node = page.getByRole('row').filter({ hasText: 'prod-prj-2' });
    await expect(node).toContainText('ready');
    await mark(page);
    const { id } = platform.fleet.faults.switchOn({ fault: 'hang', node_id: 'prod-prj-2' });
    platform.line.cut();

    const store = page.getByRole('status').filter({ hasText: 'The placement store of prod fails' });
    await expect(store).toBeVisible({ timeout: 20_000 });
    await expect(node).toContainText('unreachable', { timeout: 20_000 });
    await expect(node.getByLabel('Stale')).toBeVisible({ timeout: 20_000 });
    await node.getByRole('link', { name: 'prod-prj-2' }).click();
    await expect(page.getByRole('status').filter({ hasText: 'prod-prj-2 does not answer' })).toContainText(
      'What follows is its last answer.',
    );
    await page.getByRole('link', { name: 'Overview' }).click();
    await expect(page.getByText(/placement store of prod/i).first()).toBeVisible({ timeout: 20_000 });
    await expect(page.getByText(/prod-prj-2/).first()).toBeVisible();
    await page.getByRole('link', { name: 'Scale & Placement' }).click();
    await page.getByRole('link', { name: 'Placements', exact: true }).click();
    await expect(page.getByRole('row').filter({ hasText: 'acme' }).first()).toBeVisible();
    await expect(page.getByLabel('Stale').first()).toBeVisible();

    platform.line.mend();
    platform.fleet.faults.switchOff(id);
    await timed('NATS back → the page is current again', () =>
      expect(store).toHaveCount(0, { timeout: 30_000 }),
    );
    await expect(page.getByLabel('Stale')).toHaveCount(0, { timeout: 20_000 });
    await page.getByRole('link', { name: 'Nodes', exact: true }).click();
    await expect(node).toContainText('ready', { timeout: 20_000 });
    await expect(node.getByLabel('Stale')).toHaveCount(0, { timeout: 20_000 });
    await stayed(page);
  });
});

/** Running the fleet in a browser: services, hosts, nodes and tenants are changed by plan, and what comes of it is seen where one looks. */
import { expect, type Locator, type Page } from '@playwright/test';
import {
  createPerson,
  lastTenants,
  openSignedIn,
  startWorld,
  test,
  type PlacedTenant,
  type World,
} from './admin-browser.ts';
import { OWNER, signIn, type Caller } from './control-process.ts';

const dialogOf = (page: Page): Locator => page.getByRole('dialog');
const rowOf = (page: Page, name: string): Locator =>
  page.getByRole('row').filter({ has: page.getByRole('link', { name, exact: true }) });
/** Observations are read again every few seconds, and a busy machine takes its time. */
const SEEN = { timeout: 30_000 };

test.describe('the fleet', () => {
  let world: World;
  let owner: Caller;
  let operator: { email: string; password: string };

  test.beforeAll(async () => {
    test.setTimeout(120_000);
    world = await startWorld(60);
    owner = await signIn(world.control.url);
    operator = await createPerson(owner, 'operator@example.com', 'operator');
  });
  test.afterAll(() => world?.stop());

  const open = (page: Page, address: string, person = operator) =>
    openSignedIn(page, `${world.control.url}${address}${address.includes('?') ? '&' : '?'}env=prod`, person);

  /** Reads the plan that is open, starts it by its button, waits for its end and closes it. */
  async function carryOut(page: Page, verb: string | RegExp): Promise<void> {
    const dialog = dialogOf(page);
    const start = dialog.getByRole('button', { name: verb });
    await expect(start).toBeVisible(SEEN);
    await expect(start).toBeDisabled();
    await expect(dialog.getByText('What will happen')).toBeVisible();
    const warnings = dialog.getByRole('checkbox', { name: /^I have read the/ });
    if ((await warnings.count()) > 0) await warnings.check();
    const typed = dialog.getByLabel(/^This cannot be undone: type /);
    if ((await typed.count()) > 0) {
      const words = await dialog.getByText(/^This cannot be undone: type /).innerText();
      await typed.fill(words.replace(/^.*type /, ''));
    }
    await dialog.getByLabel(/^Reason/).fill('OPS-7: rehearsal');
    await start.click();
    await expect(dialog.getByText('succeeded', { exact: true }).first()).toBeVisible({ timeout: 60_000 });
    await dialog.getByRole('button', { name: 'Close' }).last().click();
    await expect(dialog).toHaveCount(0);
  }

  /** From the ⋯ menu of a row. */
  async function choose(page: Page, name: string, action: string): Promise<void> {
    await rowOf(page, name)
      .getByRole('button', { name: /^Actions of / })
      .click();
    await page.getByRole('menuitem', { name: action }).click();
  }

  test('a service is scaled up by plan, and its new node and shard appear and are filled', async ({
    page,
  }) => {
    test.setTimeout(240_000);
    await open(page, '/scale/services');
    await page.getByLabel('Search services').fill('aggregate');
    await expect(page.getByText('1 service', { exact: true })).toBeVisible();
    await expect(rowOf(page, 'prod-aggregate')).toContainText('3 of 3');
    await page.getByRole('link', { name: 'prod-aggregate' }).click();
    await expect(page.getByRole('heading', { name: 'prod-aggregate', level: 1 })).toBeVisible();

    await test.step('another number makes another plan', async () => {
      await page.getByRole('button', { name: 'Scale', exact: true }).click();
      await expect(dialogOf(page).getByText(/Choose another number/)).toBeVisible();
      await dialogOf(page).getByLabel('Replicas').fill('5');
      await expect(dialogOf(page).getByRole('heading', { name: /3 → 5/ })).toBeVisible();
      await dialogOf(page).getByLabel('Replicas').fill('4');
      await expect(dialogOf(page).getByRole('heading', { name: /3 → 4/ })).toBeVisible();
      await carryOut(page, 'Scale to 4 replicas');
    });
    await expect(page.getByText('4 of 4')).toBeVisible(SEEN);
    await expect(page.getByRole('link', { name: 'prod-agg-4' })).toBeVisible(SEEN);

    await test.step('what it runs is on record', async () => {
      await page.getByRole('link', { name: /^Specifications/ }).click();
      await expect(page.getByRole('row').filter({ hasText: 'now' })).toHaveCount(1);
    });

    await test.step('the node has a page that leads back to its host and service', async () => {
      await page.getByRole('link', { name: 'Services', exact: true }).first().click();
      await page.getByRole('link', { name: 'Nodes', exact: true }).click();
      await page.getByRole('link', { name: 'prod-agg-4', exact: true }).click();
      await expect(page.getByText('ready', { exact: true }).first()).toBeVisible(SEEN);
      await expect(page.getByRole('row').filter({ hasText: 'agg-4' })).toContainText('0 of');
      await expect(page.getByRole('link', { name: 'prod-aggregate', exact: true })).toBeVisible();
    });

    await test.step('a rebalance moves tenants onto the empty shard', async () => {
      await page.goto(`${world.control.url}/scale/shards?env=prod`);
      const aggregates = page.getByRole('table', { name: 'aggregate shards' });
      await expect(aggregates.getByRole('row').filter({ hasText: 'agg-4' })).toContainText('0 of');
      await page.getByRole('button', { name: 'Rebalance…' }).first().click();
      await dialogOf(page).getByLabel('Moves at most').fill('4');
      await expect(dialogOf(page).getByRole('heading', { name: /by 4 moves/ })).toBeVisible();
      await expect(dialogOf(page).getByRole('definition').filter({ hasText: 'agg-4' })).not.toHaveCount(0);
      await carryOut(page, 'Start rebalance');
      await expect(aggregates.getByRole('row').filter({ hasText: 'agg-4' })).not.toContainText(
        '0 of 0',
        SEEN,
      );
      await expect(aggregates.getByRole('row').filter({ hasText: 'agg-4' })).toContainText('4 of', SEEN);
    });
  });

  test('a restart asks for the name, for it cannot be undone', async ({ page }) => {
    test.setTimeout(120_000);
    await open(page, '/scale/services');
    await choose(page, 'prod-gateway', 'Restart…');
    await dialogOf(page)
      .getByLabel(/^Reason/)
      .fill('OPS-7: rehearsal');
    await expect(dialogOf(page).getByRole('button', { name: 'Restart service' })).toBeDisabled();
    await carryOut(page, 'Restart service');
    await expect(rowOf(page, 'prod-gateway')).toContainText('healthy', SEEN);
    await expect(rowOf(page, 'prod-gateway')).toContainText('2 of 2');
  });

  test('a host is cordoned, drained and activated again', async ({ page }) => {
    test.setTimeout(180_000);
    await open(page, '/scale/hosts');
    await choose(page, 'prod-host-3', 'Cordon…');
    await carryOut(page, 'Cordon host');
    await expect(rowOf(page, 'prod-host-3')).toContainText('cordoned', SEEN);
    await choose(page, 'prod-host-3', 'Drain…');
    await carryOut(page, 'Drain host');
    await expect(rowOf(page, 'prod-host-3')).toContainText('drain', SEEN);
    await page.getByRole('link', { name: 'prod-host-3', exact: true }).click();
    await expect(page.getByText('0 running')).toBeVisible(SEEN);
    await page.getByRole('link', { name: 'Nodes', exact: true }).click();
    await expect(page.getByText('No platform node runs on it')).toBeVisible(SEEN);
    await page.getByRole('button', { name: 'Activate' }).click();
    await carryOut(page, 'Activate host');
    await expect(page.getByRole('button', { name: 'Cordon' })).toBeVisible(SEEN);
  });

  test('several hosts are cordoned one after another, each with its own job', async ({ page }) => {
    test.setTimeout(120_000);
    await open(page, '/scale/hosts');
    for (const name of ['prod-host-2', 'prod-host-3']) await rowOf(page, name).getByRole('checkbox').check();
    const hosts = page.getByRole('toolbar', { name: 'Actions on the selected rows' });
    for (const [action, verb] of [
      ['Cordon…', 'Cordon 2 hosts'],
      ['Activate…', 'Activate 2 hosts'],
    ] as const) {
      await hosts.getByRole('button', { name: action }).click();
      const start = dialogOf(page).getByRole('button', { name: verb });
      await expect(start).toBeVisible(SEEN);
      await dialogOf(page)
        .getByLabel(/^Reason/)
        .fill('OPS-7: rehearsal');
      await start.click();
      await expect(dialogOf(page).getByText('succeeded', { exact: true })).toHaveCount(2, SEEN);
      await expect(dialogOf(page).getByRole('link', { name: 'the job' })).toHaveCount(2);
      await dialogOf(page).getByRole('button', { name: 'Close' }).last().click();
    }
    for (const name of ['prod-host-2', 'prod-host-3'])
      await expect(rowOf(page, name)).toContainText('active', SEEN);
  });

  test('a node and a tenant are drained and resumed from their pages', async ({ page }) => {
    test.setTimeout(180_000);
    const [tenant] = (await lastTenants(owner, 1)) as [PlacedTenant];
    await open(page, '/scale/nodes/prod-run-2');
    await page.getByRole('button', { name: 'Drain', exact: true }).click();
    await carryOut(page, 'Drain node');
    await expect(page.getByText('draining', { exact: true }).first()).toBeVisible(SEEN);
    await page.getByRole('button', { name: 'Resume', exact: true }).click();
    await carryOut(page, 'Resume node');
    await expect(page.getByText('ready', { exact: true }).first()).toBeVisible(SEEN);

    await page.goto(`${world.control.url}/tenants/${tenant.tenant_id}?env=prod`);
    const menu = page.getByRole('button', { name: `Actions of ${tenant.tenant_id}` });
    await menu.click();
    await expect(page.getByRole('menuitem', { name: 'Resume in prod…' })).toHaveAttribute('aria-disabled');
    await page.getByRole('menuitem', { name: 'Drain in prod…' }).click();
    await carryOut(page, 'Drain tenant');
    await expect(page.getByText('draining', { exact: true }).first()).toBeVisible(SEEN);
    await menu.click();
    await page.getByRole('menuitem', { name: 'Resume in prod…' }).click();
    await carryOut(page, 'Resume tenant');
    await expect(page.getByText('active', { exact: true }).first()).toBeVisible(SEEN);
  });

  test('a tenant is archived and restored from its page, to the shards where it was', async ({ page }) => {
    test.setTimeout(180_000);
    const [tenant] = (await lastTenants(owner, 1)) as [PlacedTenant];
    await open(page, `/tenants/${tenant.tenant_id}/placement`, OWNER);
    const shard = page
      .getByRole('table', { name: 'Placement in prod' })
      .getByRole('link', { name: /^agg-\d$/ });
    const before = await shard.innerText();
    const menu = page.getByRole('button', { name: `Actions of ${tenant.tenant_id}` });
    await menu.click();
    await page.getByRole('menuitem', { name: 'Archive…' }).click();
    await carryOut(page, 'Archive tenant');
    await expect(page.getByText('archived', { exact: true }).first()).toBeVisible(SEEN);
    await menu.click();
    await expect(page.getByRole('menuitem', { name: 'Archive…' })).toHaveCount(0);
    await page.getByRole('menuitem', { name: 'Restore…' }).click();
    await expect(dialogOf(page).getByText(`Place ${tenant.tenant_id} in prod where it was`)).toBeVisible(
      SEEN,
    );
    await carryOut(page, 'Restore tenant');
    await expect(page.getByText('active', { exact: true }).first()).toBeVisible(SEEN);
    await expect(shard).toHaveText(before, SEEN);
  });

  test('the topology shows what hangs together, and the tenants of a shard', async ({ page }) => {
    await open(page, '/scale/topology');
    const graph = page.getByRole('group', { name: 'Topology of prod' });
    await expect(graph.getByRole('button', { name: /^prod-gw-1/ })).toBeVisible();
    await page.keyboard.press('/');
    await page.keyboard.type('run-1');
    await page.getByRole('option', { name: /^run-1 shard/ }).click();
    await expect(page).toHaveURL(/at=shard/);
    await expect(graph.getByRole('button', { name: /^run-1/ })).toHaveAttribute('aria-pressed', 'true');
    const beside = page.getByRole('complementary', { name: 'Shard run-1' });
    await expect(beside.getByRole('button', { name: /^prod-run-1/ })).toBeVisible();
    await expect(beside.getByRole('heading', { name: /^\d+ tenants?$/ })).toBeVisible();
    await page.getByLabel('Only what hangs together with the selection').check();
    await expect(graph.getByRole('button', { name: /^prod-gw-1/ })).toHaveCount(0);

    // By arrow keys from the shard to the node that holds it.
    await graph.getByRole('button', { name: /^run-1/ }).focus();
    await page.keyboard.press('ArrowLeft');
    await expect(graph.getByRole('button', { name: /^prod-run-1/ })).toBeFocused();
    await page.keyboard.press('Enter');
    await page.getByRole('complementary').getByRole('link', { name: 'Open the node' }).click();
    await expect(page.getByRole('heading', { name: 'prod-run-1', level: 1 })).toBeVisible();
  });

  test('who may only look is told what each action needs', async ({ page }) => {
    const reader = await createPerson(owner, 'reader@example.com', 'read-only');
    await open(page, '/scale/services/prod-aggregate', reader);
    const scale = page.getByRole('button', { name: 'Scale', exact: true });
    await expect(scale).toHaveAttribute('aria-disabled', 'true');
    await scale.hover();
    await expect(page.getByRole('tooltip')).toContainText('Needs the permission scale.apply');
  });
});

/** Every page for everybody: no serious violation in either theme, all of it by keyboard, and no page that has to be scrolled sideways. */
import AxeBuilder from '@axe-core/playwright';
import { expect, type Page } from '@playwright/test';
import {
  createPerson,
  lastTenants,
  openSignedIn,
  startWorld,
  test,
  type PlacedTenant,
  type World,
} from './admin-browser.ts';
import { signIn, waitFor, type Caller } from './control-process.ts';

const WIDTHS = [1024, 1280, 1920];
const BEFORE_SIGNING_IN = [
  '/forgot-password',
  '/accept-invitation#used-before',
  '/reset-password#used-before',
];

test.describe('every page', () => {
  let world: World;
  let owner: Caller;
  let tenant: PlacedTenant;
  let pages: string[];

  test.beforeAll(async () => {
    test.setTimeout(120_000);
    world = await startWorld(300);
    owner = await signIn(world.control.url);
    const person = await createPerson(owner, 'operator@example.com', 'operator');
    [tenant] = (await lastTenants(owner, 1)) as [PlacedTenant];
    await owner.call('POST', '/iam/tokens', {
      name: 'Nightly export',
      permissions: ['audit.view'],
      expires_in_days: 30,
    });
    const job_id = await migrate();
    const service_id = (await firstOf<{ service_id: string }>('services')).service_id;
    const host_id = (await firstOf<{ host_id: string }>('hosts')).host_id;
    const at = `/tenants/${tenant.tenant_id}`;
    pages = [
      '/',
      '/tenants',
      at,
      `${at}/placement`,
      `${at}/health`,
      `${at}/sessions`,
      `${at}/activity`,
      `${at}/observability`,
      '/scale/shards',
      '/scale/placements',
      '/scale/nodes',
      '/scale/nodes/prod-agg-1?env=prod',
      '/scale/services',
      `/scale/services/${service_id}`,
      `/scale/services/${service_id}/specifications`,
      '/scale/hosts',
      `/scale/hosts/${host_id}`,
      `/scale/hosts/${host_id}/nodes`,
      '/scale/tasks',
      '/scale/topology',
      `/scale/topology?env=prod&at=${encodeURIComponent('shard aggregate/agg-1')}`,
      '/observability/triage',
      '/observability/dashboards',
      '/observability/connections',
      '/approvals',
      '/approvals/policies',
      '/jobs',
      `/jobs/${job_id}`,
      '/users',
      `/users/${person.user_id}`,
      '/service-accounts',
      '/sessions',
      '/detections',
      '/break-glass',
      '/device',
      '/account',
      '/roles',
      '/roles/operator',
      '/tokens',
      '/token-issuers',
      '/audit',
    ];
  });
  test.afterAll(() => world?.stop());

  const firstOf = async <T>(list: string): Promise<T> => {
    const { body } = await owner.call<{ items: [T] }>('GET', `/scale/${list}?environment=prod&limit=1`);
    return body.items[0];
  };

  /** A finished job, so that lists and its page have something to show. */
  async function migrate(): Promise<string> {
    const target_shard = tenant.placements.runner === 'run-1' ? 'run-2' : 'run-1';
    const move = { environment: 'prod', tenant_id: tenant.tenant_id, service: 'runner', target_shard };
    const plan = await owner.call<{ plan_hash: string }>('POST', '/scale/migrations/plan', move);
    const started = await owner.call<{ job_id: string }>('POST', '/scale/migrations', {
      ...move,
      plan_hash: plan.body.plan_hash,
      reason: 'OPS-1: something to look at',
    });
    await waitFor(
      'the end of the job',
      async () => (await owner.call<{ state: string }>('GET', `/jobs/${started.body.job_id}`)).body.state,
      (state) => state === 'succeeded',
    );
    return started.body.job_id;
  }

  for (const colorScheme of ['light', 'dark'] as const)
    test.describe(`in the ${colorScheme} theme`, () => {
      test.use({ colorScheme, reducedMotion: 'reduce' });

      test('has no serious accessibility violation', async ({ page }) => {
        test.setTimeout(300_000);
        const found: string[] = [];
        await page.goto(`${world.control.url}/sign-in`);
        await expect(page.getByRole('button', { name: 'Sign in' })).toBeVisible();
        await expect(page.locator('html')).toHaveAttribute('data-mantine-color-scheme', colorScheme);
        found.push(...(await violations(page, '/sign-in')));
        for (const address of BEFORE_SIGNING_IN) {
          await page.goto(`${world.control.url}${address}`);
          await settled(page);
          found.push(...(await violations(page, address)));
        }
        await openSignedIn(page, world.control.url);
        for (const address of pages) {
          await page.goto(`${world.control.url}${address}`);
          await settled(page);
          found.push(...(await violations(page, address)));
        }

        await page.goto(`${world.control.url}/tenants?new=tenant`);
        await expect(page.getByRole('dialog', { name: 'Create tenant' })).toBeVisible();
        found.push(...(await violations(page, 'the create-tenant drawer')));

        await page.goto(`${world.control.url}/tenants/${tenant.tenant_id}?env=prod`);
        await page.getByRole('button', { name: 'Migrate', exact: true }).click();
        await expect(page.getByRole('radio', { name: /serves it now/ })).toBeVisible();
        found.push(...(await violations(page, 'the choice of a shard')));
        await page.getByRole('button', { name: 'Show the plan' }).click();
        await expect(page.getByRole('button', { name: 'Start migration' })).toBeVisible();
        found.push(...(await violations(page, 'the plan dialog')));

        await page.goto(`${world.control.url}/scale/services?env=prod`);
        await page.getByRole('link', { name: 'prod-aggregate' }).click();
        await page.getByRole('button', { name: 'Scale', exact: true }).click();
        await page.getByRole('dialog').getByLabel('Replicas').fill('5');
        await expect(page.getByRole('button', { name: 'Scale to 5 replicas' })).toBeVisible();
        found.push(...(await violations(page, 'the dialog that scales')));

        await page.goto(`${world.control.url}/scale/hosts?env=prod`);
        await page.getByLabel('Select all rows of this page').check();
        await page.getByRole('button', { name: 'Cordon…' }).click();
        await expect(page.getByRole('dialog').getByText('can be started').first()).toBeVisible();
        found.push(...(await violations(page, 'the dialog of several plans')));
        expect(found).toEqual([]);
      });
    });

  test('fits the width of the window from 1024 px', async ({ page }) => {
    test.setTimeout(180_000);
    await openSignedIn(page, world.control.url);
    const wide: string[] = [];
    for (const address of pages) {
      await page.goto(`${world.control.url}${address}`);
      await settled(page);
      for (const width of WIDTHS) {
        await page.setViewportSize({ width, height: 800 });
        const over = await page.evaluate(() => {
          const { scrollWidth, clientWidth } = document.documentElement;
          const main = document.querySelector('main');
          return Math.max(scrollWidth - clientWidth, (main?.scrollWidth ?? 0) - (main?.clientWidth ?? 0));
        });
        if (over > 0) wide.push(`${address} at ${width}: ${over} px too wide`);
      }
    }
    expect(wide).toEqual([]);
  });

  test('is reached by keyboard, and focus comes back when a dialog closes', async ({ page }) => {
    await openSignedIn(page, world.control.url);
    await page.getByRole('heading', { name: 'Overview', level: 1 }).waitFor();
    // Where one may go is known once the entries stand there.
    await page.getByRole('link', { name: 'Tenants', exact: true }).waitFor();
    await page.keyboard.press('g');
    await page.keyboard.press('t');
    await expect(page).toHaveURL(/\/tenants/);
    const search = page.getByLabel('Search by id or name');
    await expect(search).toBeVisible();
    await page.keyboard.press('/');
    await expect(search).toBeFocused();
    await search.press('Escape');
    await expect(search).not.toBeFocused();

    const create = page.getByRole('button', { name: 'Create tenant' });
    await create.focus();
    await page.keyboard.press('Enter');
    await expect(page.getByRole('dialog').getByRole('textbox').first()).toBeFocused();
    await page.keyboard.press('Escape');
    await expect(page.getByRole('dialog')).toHaveCount(0);
    await expect(create).toBeFocused();

    await page.keyboard.press('Control+k');
    await expect(page.getByPlaceholder('Tenant, node, user, job, page or action')).toBeFocused();
    await page.keyboard.press('Escape');
    await expect(page.getByRole('dialog')).toHaveCount(0);
    await expect(create).toBeFocused();

    await page.keyboard.press('Control+k');
    await page.getByPlaceholder('Tenant, node, user, job, page or action').fill(tenant.tenant_id);
    await expect(page.getByRole('dialog').getByText(tenant.tenant_id, { exact: true })).toBeVisible();
    await page.keyboard.press('Enter');
    await expect(page.getByRole('heading', { name: tenant.tenant_id, level: 1 })).toBeVisible();

    const migrateButton = page.getByRole('button', { name: 'Migrate', exact: true });
    await migrateButton.focus();
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: 'Show the plan' }).focus();
    await page.keyboard.press('Enter');
    const reason = page.getByLabel(/^Reason/);
    await expect(reason).toBeFocused();
    await page.keyboard.press('Tab');
    await page.keyboard.press('Escape');
    await expect(page.getByRole('dialog')).toHaveCount(0);
    await expect(migrateButton).toBeFocused();
  });
});

/** The page has what it asked for: its heading stands, and nothing is a skeleton any more. */
async function settled(page: Page): Promise<void> {
  await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
  await expect(page.locator('[aria-busy="true"]')).toHaveCount(0);
}

/** Serious and critical violations, one line each with the elements. */
async function violations(page: Page, where: string): Promise<string[]> {
  const scan = new AxeBuilder({ page });
  // Themes differ in colours only; the rest was looked at in the light one.
  if (await page.evaluate(() => matchMedia('(prefers-color-scheme: dark)').matches))
    scan.withRules(['color-contrast']);
  const { violations: all } = await scan.analyze();
  return all
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => {
      const elements = nodes.slice(0, 3).map(({ target, any }) => {
        const why = any[0]?.message;
        return `${target.join(' ')}${why ? ` (${why})` : ''}`;
      });
      return `${where}: ${id} × ${nodes.length}: ${elements.join(' | ')}`;
    });
}

/** The product's main job, in a browser: find a tenant, read the plan of its migration, start it, watch it, undo another, read both in the audit log. */
import { expect, type Locator, type Page } from '@playwright/test';
import {
  createPerson,
  lastTenants,
  openSignedIn,
  startWorld,
  submitSignIn,
  test,
  type PlacedTenant,
  type World,
} from './admin-browser.ts';
import { signIn, waitFor, type Caller } from './control-process.ts';

const ENVIRONMENT = 'prod';
const STEPS = ['check', 'drain', 'place', 'reload', 'acknowledge', 'verify'];
const AGGREGATE_SHARDS = ['agg-1', 'agg-2', 'agg-3'];

const dialogOf = (page: Page): Locator => page.getByRole('dialog');
const startButton = (page: Page): Locator => dialogOf(page).getByRole('button', { name: 'Start migration' });
const reasonField = (page: Page): Locator => dialogOf(page).getByLabel(/^Reason/);
const steps = (page: Page): Locator => dialogOf(page).getByRole('list').first().getByRole('listitem');

/** Through the dialog that asks what and where to, to the plan. */
async function openPlan(page: Page, target: string): Promise<void> {
  await page.getByRole('button', { name: 'Migrate', exact: true }).click();
  await dialogOf(page).getByRole('radio', { name: target }).click();
  await dialogOf(page).getByRole('button', { name: 'Show the plan' }).click();
  await expect(startButton(page)).toBeVisible();
}

test.describe('the main job', () => {
  let world: World;
  let owner: Caller;
  let operator: { email: string; password: string };
  let tenants: PlacedTenant[];

  test.beforeAll(async () => {
    test.setTimeout(120_000);
    world = await startWorld(2_000);
    owner = await signIn(world.control.url);
    operator = await createPerson(owner, 'operator@example.com', 'operator');
    tenants = await lastTenants(owner, 5);
  });
  test.afterEach(() => world.faults.clear());
  test.afterAll(() => world?.stop());

  const tenantAt = (index: number) => {
    const tenant = tenants[index];
    if (!tenant) throw new Error(`There are only ${tenants.length} tenants`);
    const source = tenant.placements.aggregate;
    const [target, other] = AGGREGATE_SHARDS.filter((shard) => shard !== source) as [string, string];
    return { tenant_id: tenant.tenant_id, source, target, other };
  };
  const addressOf = (tenant_id: string, tab = '') =>
    `${world.control.url}/tenants/${tenant_id}${tab}?env=${ENVIRONMENT}`;

  test('an operator moves a tenant, cancels the move of another, and reads every step of both', async ({
    page,
  }) => {
    test.setTimeout(120_000);
    const moved = tenantAt(0);
    const stalled = tenantAt(1);
    let loads = 0;

    await test.step('signing in, with a wrong password first', async () => {
      await page.goto(`${world.control.url}/`);
      await expect(page).toHaveURL(/\/sign-in/);
      await submitSignIn(page, { email: operator.email, password: 'not the password at all' });
      await expect(page.getByRole('alert')).toContainText('Email or password is wrong');
      await submitSignIn(page, operator);
      await expect(page.getByRole('heading', { name: 'Overview', level: 1 })).toBeVisible();
      page.on('load', () => loads++);
    });

    await test.step('finding a tenant among 2,000', async () => {
      await page.getByRole('link', { name: 'Tenants', exact: true }).click();
      await expect(page.getByText('2,000 tenants')).toBeVisible();
      await expect(page.getByRole('link', { name: moved.tenant_id })).toHaveCount(0);
      await page.getByLabel('Search by id or name').fill(moved.tenant_id);
      await expect(page).toHaveURL(new RegExp(`[?&]q=${moved.tenant_id}(&|$)`));
      await page.getByRole('link', { name: moved.tenant_id }).click();
      await expect(page.getByRole('heading', { name: moved.tenant_id, level: 1 })).toBeVisible();
      await page.getByRole('link', { name: 'Placement', exact: true }).click();
      await expect(aggregateRow(page)).toContainText(moved.source);
    });

    await test.step('reading the plan', async () => {
      await page.getByRole('button', { name: 'Migrate', exact: true }).click();
      // Another service has other shards to go to.
      await dialogOf(page)
        .getByText(/^Projection/)
        .click();
      await expect(dialogOf(page).getByRole('radio', { name: 'prj-1' })).toBeVisible();
      await dialogOf(page)
        .getByText(/^Aggregate/)
        .click();
      await expect(
        dialogOf(page).getByRole('radio', { name: `${moved.source} serves it now` }),
      ).toBeDisabled();
      await dialogOf(page).getByRole('radio', { name: moved.target }).click();
      await dialogOf(page).getByRole('button', { name: 'Show the plan' }).click();
      await expect(
        dialogOf(page).getByRole('heading', {
          name: `Migrate ${moved.tenant_id} · aggregate · ${moved.source} → ${moved.target}`,
        }),
      ).toBeVisible();
      await expect(steps(page)).toContainText([
        /1.*Check source, target and gateways/,
        /2.*Drain .*undo: resume/,
        /3.*Place .*epoch.*undo: place/,
        /4.*Reload /,
        /5.*nodes acknowledge/,
        /6.*Verify /,
      ]);
      const dialog = dialogOf(page);
      await expect(dialog.getByText('What changes')).toBeVisible();
      await expect(dialog.getByRole('definition').filter({ hasText: moved.target }).first()).toContainText(
        moved.source,
      );
      await expect(dialog.getByText('1 tenant', { exact: true })).toBeVisible();
      await expect(dialog.getByText('5 nodes', { exact: true })).toBeVisible();
      await expect(dialog.getByRole('img', { name: 'Passed' }).first()).toBeVisible();
      await expect(dialog.getByRole('img', { name: 'Blocker' })).toHaveCount(0);
    });

    await test.step('a reason is required', async () => {
      await expect(startButton(page)).toHaveAttribute('aria-disabled', 'true');
      await startButton(page).hover();
      await expect(page.getByRole('tooltip')).toHaveText('Give a reason first');
      await reasonField(page).fill('OPS-1: make room on the shard');
      await expect(startButton(page)).toBeEnabled();
    });

    let movedJob = '';
    await test.step('watching the job to its end', async () => {
      movedJob = await startAndFollow(page);
      await expect(steps(page).getByRole('img', { name: 'running' }).first()).toBeVisible();
      await expect(dialogOf(page).getByText('succeeded', { exact: true })).toBeVisible({ timeout: 30_000 });
      await expect(steps(page).getByRole('img', { name: 'done' })).toHaveCount(STEPS.length);
      await dialogOf(page).getByRole('button', { name: 'Close' }).last().click();
      await expect(dialogOf(page)).toHaveCount(0);
      await expect(aggregateRow(page)).toContainText(moved.target);
      await expect(aggregateRow(page)).toContainText('active');
    });

    let stalledJob = '';
    await test.step('cancelling another half way and seeing it undone', async () => {
      await world.faults.switchOn({
        node_id: `${ENVIRONMENT}-${stalled.source}`,
        fault: 'drain_stalls',
        tenant_id: stalled.tenant_id,
      });
      await page.getByRole('link', { name: 'Tenants', exact: true }).first().click();
      await page.getByLabel('Search by id or name').fill(stalled.tenant_id);
      await page.getByRole('link', { name: stalled.tenant_id }).click();
      await page.getByRole('link', { name: 'Placement', exact: true }).click();
      await openPlan(page, stalled.target);
      await reasonField(page).fill('OPS-2: this one will not drain');
      stalledJob = await startAndFollow(page);
      await expect(steps(page).nth(1).getByRole('img', { name: 'running' })).toBeVisible();
      await expect(steps(page).nth(1)).toContainText(/\d+ of \d+ in flight left/);
      await dialogOf(page).getByRole('button', { name: 'Cancel and undo' }).click();
      await dialogOf(page).getByLabel('Why cancel and undo?').fill('OPS-2: it does not converge');
      await dialogOf(page).getByRole('button', { name: 'Cancel and undo' }).click();
      await expect(dialogOf(page).getByText('cancelled, rolled back', { exact: true })).toBeVisible({
        timeout: 30_000,
      });
      await expect(steps(page).nth(1)).toContainText('undone');
      await dialogOf(page).getByRole('button', { name: 'Close' }).last().click();
      await expect(aggregateRow(page)).toContainText(stalled.source);
      await expect(aggregateRow(page)).toContainText('active');
    });

    await test.step('reading the first job in the audit log', async () => {
      await page.getByRole('link', { name: 'Audit Log' }).click();
      await page.getByLabel('Job', { exact: true }).fill(movedJob);
      await expect(page).toHaveURL(new RegExp(`job_id=${movedJob}`));
      await expect(eventsOf(page, 'scale.migrations.start')).toHaveCount(1);
      await expect(eventsOf(page, 'scale.migrations.start')).toContainText('OPS-1: make room on the shard');
      await expect(eventsOf(page, 'scale.migrations.start')).toContainText(operator.email);
      await expect(eventsOf(page, 'job.succeeded')).toHaveCount(1);
      expect(await stepsOf(page, 'job.step.succeeded')).toEqual(STEPS.toReversed());
    });

    await test.step('and the cancelled one', async () => {
      await page.getByLabel('Job', { exact: true }).fill(stalledJob);
      await expect(page).toHaveURL(new RegExp(`job_id=${stalledJob}`));
      await expect(eventsOf(page, 'scale.migrations.start')).toContainText('OPS-2: this one will not drain');
      await expect(eventsOf(page, 'jobs.cancel')).toContainText('OPS-2: it does not converge');
      await expect(eventsOf(page, 'jobs.cancel')).toContainText(operator.email);
      await expect(eventsOf(page, 'job.cancelled_rolled_back')).toHaveCount(1);
      expect(await stepsOf(page, 'job.step.succeeded')).toEqual(['check']);
      expect(await stepsOf(page, 'job.step.undone')).toEqual(['drain']);
    });
    expect(loads, 'pages loaded since the sign-in').toBe(0);
  });

  test('a full target is named with its figure and threshold, and nothing can be started until it has room', async ({
    page,
  }) => {
    const { tenant_id, target } = tenantAt(2);
    await world.faults.switchOn({ node_id: `${ENVIRONMENT}-${target}`, fault: 'storage_full' });
    await openSignedIn(page, addressOf(tenant_id), operator);
    await openPlan(page, target);
    const blocker = dialogOf(page).getByRole('alert');
    await expect(blocker).toContainText('A blocker stops this.');
    await expect(blocker).toContainText(`${ENVIRONMENT}-${target} is 100 % full, more than 90 % allowed`);
    const check = dialogOf(page)
      .getByRole('listitem')
      .filter({ has: page.getByRole('img', { name: 'Blocker' }) });
    await expect(check).toContainText(`node ${ENVIRONMENT}-${target}`);
    await expect(check).toContainText(/100 ?%, threshold 90 ?%/);
    await expect(startButton(page)).toHaveAttribute('aria-disabled', 'true');
    await startButton(page).focus();
    await page.keyboard.press('Enter');
    await expect(startButton(page)).toBeVisible();

    await world.faults.clear();
    await dialogOf(page).getByRole('button', { name: 'Check again' }).click();
    await expect(blocker).toHaveCount(0);
    await reasonField(page).fill('OPS-3: it has room again');
    await expect(startButton(page)).toBeEnabled();
  });

  test('a target that does not answer is a blocker that names it', async ({ page }) => {
    const { tenant_id, target } = tenantAt(2);
    await world.faults.switchOn({ node_id: `${ENVIRONMENT}-${target}`, fault: 'error_500' });
    await openSignedIn(page, addressOf(tenant_id), operator);
    await openPlan(page, target);
    await expect(dialogOf(page).getByRole('alert')).toContainText(`${ENVIRONMENT}-${target}`);
    await expect(startButton(page)).toHaveAttribute('aria-disabled', 'true');
  });

  test('when the world moved since the plan was read, the start says what changed and offers the new plan', async ({
    page,
  }) => {
    const { tenant_id, source, target, other } = tenantAt(3);
    await openSignedIn(page, addressOf(tenant_id), operator);
    await openPlan(page, target);
    await reasonField(page).fill('OPS-4: closer to its users');

    const move = { environment: ENVIRONMENT, tenant_id, service: 'aggregate', target_shard: other };
    const plan = await owner.call<{ plan_hash: string }>('POST', '/scale/migrations/plan', move);
    const started = await owner.call<{ job_id: string }>('POST', '/scale/migrations', {
      ...move,
      plan_hash: plan.body.plan_hash,
      reason: 'OPS-5: somebody was quicker',
    });
    expect(started.status).toBe(202);
    await waitFor(
      'the end of the other job',
      async () => (await owner.call<{ state: string }>('GET', `/jobs/${started.body.job_id}`)).body.state,
      (state) => state === 'succeeded',
    );

    await startButton(page).click();
    const notice = dialogOf(page).getByRole('alert');
    await expect(notice).toContainText('The world moved since this plan was made. Nothing was started.');
    await expect(notice).toContainText(source);
    await expect(notice).toContainText(other);
    await expect(startButton(page)).toHaveAttribute('aria-disabled', 'true');
    await dialogOf(page).getByRole('button', { name: 'Show the new plan' }).click();
    await expect(
      dialogOf(page).getByRole('heading', {
        name: `Migrate ${tenant_id} · aggregate · ${other} → ${target}`,
      }),
    ).toBeVisible();
    await startAndFollow(page);
    await expect(dialogOf(page).getByText('succeeded', { exact: true })).toBeVisible({ timeout: 30_000 });
  });

  test('somebody who may only read sees why they may not migrate, and the API refuses them', async ({
    page,
  }) => {
    const viewer = await createPerson(owner, 'viewer@example.com', 'read-only');
    const { tenant_id, target } = tenantAt(2);
    await openSignedIn(page, addressOf(tenant_id), viewer);
    const migrate = page.getByRole('button', { name: 'Migrate', exact: true });
    await expect(migrate).toHaveAttribute('aria-disabled', 'true');
    await migrate.hover();
    await expect(page.getByRole('tooltip')).toContainText('scale.migrate');
    await migrate.press('Enter');
    await expect(dialogOf(page)).toHaveCount(0);

    const caller = await signIn(world.control.url, { email: viewer.email, password: viewer.password });
    const move = { environment: ENVIRONMENT, tenant_id, service: 'aggregate', target_shard: target };
    const plan = await owner.call<{ plan_hash: string }>('POST', '/scale/migrations/plan', move);
    const refused = await caller.call<{ code: string }>('POST', '/scale/migrations', {
      ...move,
      plan_hash: plan.body.plan_hash,
      reason: 'OPS-6: without asking',
    });
    expect([refused.status, refused.body.code]).toEqual([403, 'permission_denied']);
  });

  test('whoever signs in first is told nothing that was asked before', async () => {
    const page = async (path: string, cookie: string) =>
      (await fetch(`${world.control.url}${path}`, { headers: { accept: 'text/html', cookie } })).text();
    const asked = 'href="/admin/v1/iam/me"';
    expect(await page('/tenants', owner.cookie)).toContain(asked);
    expect(await page('/tenants', '')).not.toContain(asked);
    expect(await page('/sign-in', owner.cookie)).not.toContain(asked);
  });

  test('after a session is revoked elsewhere, the next action leads to the sign-in page, with the reason, and back', async ({
    page,
  }) => {
    const person = await createPerson(owner, 'leaver@example.com', 'operator');
    const { tenant_id } = tenantAt(2);
    await openSignedIn(page, addressOf(tenant_id), person);
    await expect(page.getByRole('heading', { name: tenant_id, level: 1 })).toBeVisible();
    const revoked = await owner.call('POST', `/iam/users/${person.user_id}/revoke-sessions`, {
      reason: 'OPS-7: the laptop is gone',
    });
    expect(revoked.status).toBe(200);
    // One of the page's own reads may find out first.
    await page
      .getByRole('link', { name: 'Health', exact: true })
      .click({ timeout: 2_000 })
      .catch(() => undefined);
    await expect(page).toHaveURL(/\/sign-in/);
    await expect(page.getByRole('status')).toContainText('Your session was ended.');
    await submitSignIn(page, person);
    await expect(page).toHaveURL(new RegExp(`/tenants/${tenant_id}`));
    await expect(page.getByRole('heading', { name: tenant_id, level: 1 })).toBeVisible();
  });
});

const aggregateRow = (page: Page): Locator =>
  page.getByRole('table', { name: `Placement in ${ENVIRONMENT}` }).getByRole('row', { name: /^aggregate/ });

/** Presses start and answers the id of the job that the same dialog then follows. */
async function startAndFollow(page: Page): Promise<string> {
  const [answer] = await Promise.all([
    page.waitForResponse((response) => response.url().endsWith('/scale/migrations')),
    startButton(page).click(),
  ]);
  expect(answer.status()).toBe(202);
  return ((await answer.json()) as { job_id: string }).job_id;
}

/** Rows of the audit log with this action. */
const eventsOf = (page: Page, action: string): Locator =>
  page
    .getByRole('table', { name: 'Audit Log' })
    .getByRole('row')
    .filter({ has: page.getByText(action, { exact: true }) });

/** The steps that events of this action are about, newest first, read from their opened details. */
async function stepsOf(page: Page, action: string): Promise<string[]> {
  const rows = eventsOf(page, action);
  const found: string[] = [];
  for (let index = 0; index < (await rows.count()); index++) {
    const toggle = rows.nth(index).getByRole('button');
    await toggle.click();
    const details = page.locator(`[id="${await toggle.getAttribute('aria-controls')}"]`);
    const { step } = JSON.parse((await details.locator('pre').textContent()) ?? '{}') as { step?: string };
    found.push(step ?? '');
    await toggle.click();
  }
  return found;
}

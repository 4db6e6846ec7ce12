/** A migration whose undo does not go through: what the page of the job says, and both ways out of it. */
import { expect, type Page } from '@playwright/test';
import type { Job } from '#contract/jobs.ts';
import { openSignedIn, test } from './admin-browser.ts';
import { OWNER, signIn, waitFor, type Caller, type ControlProcess } from './control-process.ts';
import { timed } from './fault-tools.ts';
import {
  createTenant,
  startLastingPlatform,
  startMove,
  waitForJob,
  type LastingPlatform,
} from './lasting-platform.ts';

test.describe.serial('a stuck job', () => {
  let platform: LastingPlatform;
  let control: ControlProcess;
  let caller: Caller;
  let jobs: { tenant: string; job_id: string; source: string }[];

  test.beforeAll(async () => {
    platform = await startLastingPlatform({
      settings: () => ({ thresholds: { drain_timeout_s: 3, ack_timeout_s: 3 } }),
    });
    control = await platform.start();
    caller = await signIn(control.url);
    jobs = await Promise.all(['to-retry', 'to-skip'].map(stick));
  });
  test.afterAll(async () => {
    await control?.stop();
    await platform?.stop();
  });

  /** A migration that is cancelled in its drain, whose source then refuses to serve the tenant again. */
  async function stick(tenant: string) {
    await createTenant(caller, tenant);
    const { faults } = platform.fleet;
    const aggregates = platform.nodes.filter(({ kind }) => kind === 'aggregate');
    const stalls = aggregates.map(({ node_id }) =>
      faults.switchOn({ fault: 'drain_stalls', node_id, tenant_id: tenant }),
    );
    for (const { node_id } of aggregates)
      faults.switchOn({ fault: 'refuses_resume', node_id, tenant_id: tenant });
    const { job_id, source } = await startMove(platform, caller, tenant);
    const drain = async () =>
      (await caller.call<Job>('GET', `/jobs/${job_id}`)).body.steps.find(({ name }) => name === 'drain');
    await waitFor('the drain', drain, (step) => step?.state === 'running' && step.progress !== null);
    await caller.call('POST', `/jobs/${job_id}/cancel`, { reason: 'the wrong tenant' });
    expect((await waitForJob(caller, job_id)).state).toBe('stuck');
    for (const { id } of stalls) faults.switchOff(id);
    return { tenant, job_id, source: source.node_id };
  }
  const jobOf = (tenant: string) => {
    const job = jobs.find((each) => each.tenant === tenant);
    if (!job) throw new Error(`no job of ${tenant}`);
    return job;
  };
  const resolve = async (page: Page, button: string, verb: string, reason: string) => {
    await page.getByRole('alert').getByRole('button', { name: button }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Reason').fill(reason);
    await dialog.getByRole('button', { name: verb, exact: true }).click();
  };

  test('says in a sentence what is half done, where, and the two ways out', async ({ page }) => {
    const { tenant, job_id, source } = jobOf('to-retry');
    await openSignedIn(page, `${control.url}/jobs/${job_id}`);
    const alert = page.getByRole('alert');
    await expect(alert).toContainText(`The aggregate placement of ${tenant} in prod is to serve again`);
    await expect(alert).toContainText(`${tenant} may be without service`);
    await expect(alert).toContainText('Stuck at the undo of step drain');
    await expect(alert.getByRole('button')).toHaveText(['Retry', 'Skip…']);
    await expect(page.getByText(source).first()).toBeVisible();
    await page.goto(`${control.url}/`);
    await expect(page.getByRole('link', { name: new RegExp(tenant) }).first()).toBeVisible();
  });

  test('goes on by a retry once the cause is mended', async ({ page }) => {
    const { tenant, job_id, source } = jobOf('to-retry');
    for (const { id, tenant_id } of platform.fleet.faults.list())
      if (tenant_id === tenant) platform.fleet.faults.switchOff(id);
    await openSignedIn(page, `${control.url}/jobs/${job_id}`);
    await resolve(page, 'Retry', 'Retry', 'the node was mended');
    await timed('retried → undone', () =>
      expect(page.getByRole('main').getByText('cancelled', { exact: false }).first()).toBeVisible(),
    );
    await expect(page.getByRole('alert')).toHaveCount(0);
    expect((await waitForJob(caller, job_id, ['cancelled_rolled_back'])).error).toBeNull();
    expect(await platform.serving('aggregate', tenant)).toEqual([source]);
  });

  test('is skipped only with the password for this very request, and the audit log says who and why', async ({
    page,
  }) => {
    const { tenant, job_id } = jobOf('to-skip');
    await openSignedIn(page, `${control.url}/jobs/${job_id}`);
    await resolve(page, 'Skip…', 'Skip it', 'it is served by hand');
    const prompt = page.getByRole('dialog', { name: /Confirm that it is you/ });
    await expect(prompt).toContainText('needs you to confirm this one request');

    await prompt.getByLabel('Your password').fill('not the password');
    await prompt.getByRole('button', { name: 'Confirm' }).click();
    await expect(prompt).toContainText('This is not your password.');
    expect((await caller.call<Job>('GET', `/jobs/${job_id}`)).body.state).toBe('stuck');
    await prompt.getByLabel('Your password').fill(OWNER.password);
    await prompt.getByRole('button', { name: 'Confirm' }).click();
    expect((await waitForJob(caller, job_id, ['cancelled_rolled_back'])).state).toBe('cancelled_rolled_back');
    await expect(page.getByRole('alert')).toHaveCount(0);
    const { body } = await caller.call<{ items: { action: string; actor_label: string; reason: string }[] }>(
      'GET',
      `/audit/events?job_id=${job_id}&action=jobs.skip`,
    );
    expect(body.items).toMatchObject([{ action: 'jobs.skip', reason: 'it is served by hand' }]);
    // Nobody has put it right: what it left half done is not called well.
    expect(await platform.serving('aggregate', tenant)).toEqual([]);
    expect((await caller.call('GET', `/tenants/${tenant}`)).body).toMatchObject({ status: 'degraded' });
  });
});

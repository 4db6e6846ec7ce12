/**
 * The platform fails in five ways at once, and each is told by the alert that is meant for it: by the stack's own rules in a real vmalert,
 * on what vmagent scrapes, in the API and on the page. Nothing is shortened: it takes as long as it takes in production.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from '@playwright/test';
import { parse } from 'yaml';
import type { Job, Plan } from '#contract/jobs.ts';
import type { Alert, ObservabilityStatus, Target } from '#contract/observability.ts';
import { whyNoMetricServers } from '#tools/test-metric-servers.ts';
import { pathWithMetrics } from '#tools/test-metrics.ts';
import { lastTenants, openSignedIn, startWorld, test, type World } from './admin-browser.ts';
import { signIn, waitFor, type Caller } from './control-process.ts';
import { ENDED_STATES } from './lasting-platform.ts';

/**
 * Two scrapes of 15 s, which a rate needs, an evaluation of the recording rules and one of the alert, each after at most a minute, and a
 * minute for what is written to be seen by the next reader, on a busy machine.
 */
const NOTICED_WITHIN_S = 2 * 15 + 2 * 60 + 60;

interface Rule {
  alert?: string;
  for?: string;
}
const ruleFile = path.join(import.meta.dirname, '../stack/generated/rules/alerts.yaml');
const rules = (parse(readFileSync(ruleFile, 'utf8')) as { groups: { rules: Rule[] }[] }).groups.flatMap(
  (group) => group.rules,
);

/** Seconds within which the rule promises to fire. */
function promiseOf(alert: string): number {
  const [, amount, unit] = /^(\d+)([sm])$/.exec(rules.find((rule) => rule.alert === alert)?.for ?? '') ?? [];
  if (amount === undefined) throw new Error(`there is no alert ${alert} that says for how long`);
  return Number(amount) * (unit === 'm' ? 60 : 1) + NOTICED_WITHIN_S;
}

test.describe.serial('a platform that fails', () => {
  test.skip(whyNoMetricServers() !== null, whyNoMetricServers() ?? '');
  let world: World;
  let caller: Caller;

  test.beforeAll(async () => {
    test.setTimeout(180_000);
    world = await startWorld(60, pathWithMetrics());
    caller = await signIn(world.control.url);
  });
  test.afterAll(async () => {
    await world?.stop();
  });

  const read = async <Item>(what: string, environment: string): Promise<Item[]> =>
    (await caller.call<{ items: Item[] }>('GET', `/observability/${what}?environment=${environment}`)).body
      .items;
  const firing = async (environment: string): Promise<Alert[]> =>
    (await read<Alert>('alerts', environment)).filter(({ state }) => state === 'firing');
  /** Resolves with the alert once it fires. */
  const untilFires = async (
    environment: string,
    alert: string,
    of: (alert: Alert) => boolean = () => true,
  ): Promise<Alert> => {
    const found = await waitFor(
      `${alert} in ${environment}`,
      async () => (await firing(environment)).find((each) => each.name === alert && of(each)),
      (each) => each !== undefined,
      promiseOf(alert) * 1000,
    );
    if (found === undefined) throw new Error(`${alert} does not fire`);
    return found;
  };

  test('is watched from the start: every part answers, every node is scraped, and no alert fires', async () => {
    const { body } = await caller.call<ObservabilityStatus>('GET', '/observability/status?environment=prod');
    const states = Object.fromEntries(body.parts.map(({ part, state }) => [part, state]));
    expect(states).toMatchObject({ metrics: 'connected', alerts: 'connected', targets: 'connected' });
    const targets = await waitFor(
      'the first scrape of every node',
      () => read<Target>('targets', 'prod'),
      (items) => items.length > 0 && items.every(({ health }) => health === 'up'),
    );
    expect(
      targets.filter(({ job }) => ['gateway', 'aggregate', 'projection', 'runner'].includes(job)),
    ).toHaveLength(10);
    expect(await firing('prod')).toEqual([]);
  });

  test('raises the alert of each fault within the promised time', async ({ page }) => {
    test.setTimeout(600_000);
    const [attacker, moved] = await lastTenants(caller, 2);
    if (!attacker || !moved) throw new Error('prod has no tenants');
    const { switchOn } = world.faults;
    // A node stops.
    await switchOn({ node_id: 'dev-run-2', fault: 'node_down' });
    // A tenant attacks.
    await switchOn({ environment: 'staging', fault: 'tenant_attacks', tenant_id: await tenantOf('staging') });
    // A release regresses.
    for (const node_id of ['prod-gw-1', 'prod-gw-2']) {
      await switchOn({ node_id, fault: 'release_regresses', value: 20 });
    }
    // Somebody guesses passwords.
    await switchOn({ environment: 'dev', fault: 'login_attack' });
    // A drain stalls.
    for (const slot of [1, 2, 3]) {
      await switchOn({ node_id: `prod-agg-${slot}`, fault: 'drain_stalls', tenant_id: moved.tenant_id });
    }
    const drain = move(moved.tenant_id, moved.placements.aggregate);

    const alerts = await Promise.all([
      untilFires('dev', 'ServiceDown', ({ labels }) => labels['instance'] === 'dev-run-2'),
      untilFires('staging', 'SloBurnFast', ({ service }) => service === 'gateway'),
      untilFires('prod', 'SloBurnFast', ({ service }) => service === 'gateway'),
      untilFires('dev', 'LoginAnomaly', ({ service }) => service === 'gateway'),
      drain.then(() => untilFires('prod', 'DrainTimedOut')),
    ]);
    for (const { summary, runbook, dashboard_uid } of alerts) {
      expect(summary).not.toContain('{{');
      expect(runbook).toMatch(/^docs\/runbooks\/.*\.md$/);
      expect(dashboard_uid).toMatch(/^cloudlysis-/);
    }
    // Nothing is wrong with the services that were left alone.
    expect((await firing('prod')).filter(({ name }) => name === 'ServiceDown')).toEqual([]);

    await openSignedIn(page, `${world.control.url}/observability/alerts?env=dev`);
    const row = (name: string) => page.getByRole('row').filter({ hasText: name });
    await expect(row('ServiceDown')).toContainText('dev-run-2');
    await expect(row('LoginAnomaly').first()).toContainText('gateway');
    await page.goto(`${world.control.url}/observability/alerts?env=prod`);
    await expect(row('SloBurnFast').first()).toContainText('gateway');
    await expect(row('DrainTimedOut').first()).toContainText('time-box');
  });

  test('is said to be well again once the faults are mended', async () => {
    test.setTimeout(300_000);
    await world.faults.clear();
    await waitFor(
      'ServiceDown to end',
      () => firing('dev'),
      (alerts) => !alerts.some(({ name }) => name === 'ServiceDown'),
      NOTICED_WITHIN_S * 1000,
    );
  });

  async function tenantOf(environment: string): Promise<string> {
    const { body } = await caller.call<{ items: { tenant_id: string }[] }>(
      'GET',
      `/tenants?status=active&environment=${environment}&limit=1`,
    );
    return body.items[0]?.tenant_id ?? '';
  }

  /** Moves the tenant's aggregate to another shard; resolves when the time-box of the drain is over and the job is undone. */
  async function move(tenant_id: string, shard: string): Promise<void> {
    const target_shard = shard === 'agg-1' ? 'agg-2' : 'agg-1';
    const body = { environment: 'prod', tenant_id, service: 'aggregate', target_shard };
    const plan = await caller.call<Plan>('POST', '/scale/migrations/plan', body);
    const started = await caller.call<{ job_id: string }>('POST', '/scale/migrations', {
      ...body,
      plan_hash: plan.body.plan_hash,
      reason: 'rehearsal',
    });
    expect(started.status, JSON.stringify([plan.body, started.body])).toBe(202);
    const job = await waitFor(
      'the job to be undone',
      async () => (await caller.call<Job>('GET', `/jobs/${started.body.job_id}`)).body,
      ({ state }) => ENDED_STATES.includes(state),
      120_000,
    );
    expect(job.error?.code).toBe('drain_timeout');
  }
});

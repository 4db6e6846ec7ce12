/** What a person sees of metrics, alerts and logs: what is missing and how to connect it, and, by recorded answers, all else. */
import AxeBuilder from '@axe-core/playwright';
import { expect, type Locator, type Page } from '@playwright/test';
import { lastTenants, openSignedIn, startWorld, test, type World } from './admin-browser.ts';
import { signIn } from './control-process.ts';
import { ALERTS, everyPart, playBack, TARGETS, type Recording } from './observability-answers.ts';

const recorded = (changes: Partial<Recording> = {}): Recording => ({
  states: everyPart('connected'),
  queries: 'full',
  alerts: ALERTS,
  targets: TARGETS,
  ...changes,
});

const DAY_MS = 86_400_000;

test.describe('observability', () => {
  let world: World;
  let tenantTab: string;
  const at = (path: string) => `${world.control.url}${path}`;

  test.beforeAll(async () => {
    test.setTimeout(120_000);
    world = await startWorld(30);
    const [tenant] = await lastTenants(await signIn(world.control.url), 1);
    tenantTab = `/tenants/${tenant?.tenant_id}/observability?env=prod`;
  });
  test.afterAll(() => world?.stop());

  test('without any part says what is missing and how to connect it, and draws no empty chart', async ({
    page,
  }) => {
    await openSignedIn(page, at('/'));
    const traffic = page
      .getByRole('row')
      .filter({ has: page.getByRole('link', { name: 'Traffic of prod' }) });
    await expect(traffic).toContainText('No metrics server is configured');
    await traffic.getByRole('link', { name: 'How to connect one' }).click();
    const metrics = page.getByRole('listitem').filter({ hasText: 'charts and figures' });
    await expect(metrics).toContainText('not configured');
    await expect(metrics).toContainText('metrics_url');
    await expect(metrics).toContainText('npm start -- --metrics');

    await page.getByRole('link', { name: 'Alerts', exact: true }).click();
    await expect(page.getByText('No alerting server is configured for prod')).toBeVisible();
    await page.getByRole('link', { name: 'Targets', exact: true }).click();
    await expect(page.getByText('No scraper is configured for prod')).toBeVisible();
    await page.getByRole('link', { name: 'Dashboards', exact: true }).click();
    await expect(page.getByText('No Grafana is configured for prod')).toBeVisible();
    await expect(page.getByRole('heading', { name: /Operations overview/ })).toBeVisible();

    for (const tab of [tenantTab, '/scale/nodes/prod-agg-1/observability?env=prod']) {
      await page.goto(at(tab));
      await expect(page.getByText('No metrics server is configured for prod')).toBeVisible();
      await expect(page.locator('.recharts-surface')).toHaveCount(0);
    }
    await expect(page.getByText('The alerts of prod cannot be read')).toHaveCount(0);
  });

  test('draws the figures of a tenant on one time axis, and says the same in tables', async ({ page }) => {
    await openSignedIn(page, at('/'));
    await playBack(page, recorded());
    await page.goto(at(tenantTab));
    const rate = page.getByRole('table', { name: 'Request rate' });
    await expect(rate.getByRole('row').nth(1)).toContainText(/\d\/s/);
    await expect(page.getByRole('table', { name: 'Error ratio' })).toContainText('%');
    await expect(page.getByText('Not measured of a single tenant: consumer lag, saturation.')).toBeVisible();
    await expect(page.getByText('version conflict, expected 17')).toBeVisible();
    await expect(page.getByText(/VictoriaMetrics at http:\/\/metrics:8428/).first()).toBeVisible();

    // The cursor of one chart stands at the same time in the others.
    const charts = page.locator('.recharts-surface[role="application"]');
    await expect(charts).toHaveCount(3);
    await charts.first().hover({ position: { x: 300, y: 80 } });
    const times = page.locator('.recharts-tooltip-wrapper time');
    await expect(times).toHaveCount(3);
    expect(new Set(await times.allTextContents()).size).toBe(1);
    // By keyboard, too.
    await page.mouse.move(5, 5);
    await charts.first().focus();
    await page.keyboard.press('ArrowRight');
    await expect(times.first()).toBeVisible();
  });

  test('keeps the range in the URL and asks for exactly that window', async ({ page }) => {
    await openSignedIn(page, at('/'));
    await playBack(page, recorded());
    const asked = page.waitForRequest((request) => {
      const { pathname, searchParams } = new URL(request.url());
      const length = Date.parse(searchParams.get('to') ?? '') - Date.parse(searchParams.get('from') ?? '');
      return pathname.endsWith('/queries/request-rate/run') && length === DAY_MS;
    });
    await page.goto(at(tenantTab));
    await page.getByText('24 h', { exact: true }).click();
    await asked;
    await expect(page).toHaveURL(/range=24h/);
    await page.reload();
    await expect(page.getByRole('radio', { name: '24 h' })).toBeChecked();
  });

  test.describe('while they cannot be read', () => {
    test.use({
      expectedErrors: /^Failed to load resource: the server responded with a status of (4\d\d|502) /,
    });

    test('figures stay, dimmed and with their age', async ({ page }) => {
      await openSignedIn(page, at('/'));
      const recording = recorded();
      await playBack(page, recording);
      await page.clock.install();
      await page.goto(at(tenantTab));
      const rate = page.getByRole('table', { name: 'Request rate' });
      await expect(rate).toContainText('/s');
      recording.queries = 'failing';
      await page.clock.fastForward('00:31');
      const alert = page.getByRole('alert').first();
      await expect(alert).toContainText('did not answer within 10 s');
      await expect(alert).toContainText('What you see below was answered');
      await expect(rate).toContainText('/s');
      await expect(page.locator('[data-dimmed]').filter({ has: rate })).toBeVisible();
      recording.queries = 'full';
      await page.clock.fastForward('00:31');
      await expect(page.getByRole('alert')).toHaveCount(0);
    });

    test('one fault of the server is said once, without any chart', async ({ page }) => {
      await openSignedIn(page, at('/'));
      await playBack(page, recorded({ queries: 'failing' }));
      await page.goto(at(tenantTab));
      await expect(page.getByRole('alert').first()).toContainText('did not answer within 10 s');
      await expect(page.getByRole('table', { name: 'Request rate' })).toHaveCount(0);
      // One for the charts, one for the log lines.
      await expect(page.getByRole('alert')).toHaveCount(2);
    });
  });

  test('says that there is no data rather than drawing a line at 0', async ({ page }) => {
    await openSignedIn(page, at('/'));
    await playBack(page, recorded({ queries: 'empty' }));
    await page.goto(at(tenantTab));
    await expect(page.getByText('No data in this range').first()).toBeVisible();
    await expect(page.locator('.recharts-surface')).toHaveCount(0);
    await expect(page.getByText('No such line in the last hour')).toBeVisible();
  });

  test('lists what fires, filters it, and opens an alert with its runbook', async ({ page }) => {
    await openSignedIn(page, at('/'));
    await playBack(page, recorded());
    await page.goto(at('/?env=prod'));
    await page.getByRole('link', { name: /ErrorRatioHigh in/ }).click();
    const alert = page.getByRole('dialog', { name: 'ErrorRatioHigh' });
    await expect(alert).toContainText('7.2% of the requests to gateway in prod have failed for 5 minutes.');
    await expect(alert.getByRole('heading', { name: 'What helps' })).toBeVisible();
    await expect(alert.getByRole('link', { name: /Dashboard/ })).toHaveAttribute(
      'rel',
      'noopener noreferrer',
    );
    await page.keyboard.press('Escape');
    await expect(alert).toHaveCount(0);
    const rows = page.getByRole('table', { name: 'alerts' }).getByRole('row');
    await expect(rows).toHaveCount(3);
    await page.getByLabel('Search by name, text or label').fill('prod-prj-2');
    await expect(rows).toHaveCount(2);
    await expect(rows.nth(1)).toContainText('ConsumerLagHigh');
    await expect(page).toHaveURL(/q=prod-prj-2/);
  });

  test('leads from the overview to the logs of a chosen service', async ({ page }) => {
    await openSignedIn(page, at('/'));
    await playBack(page, recorded());
    await page.goto(at('/observability/triage?env=prod'));
    const step = (name: string): Locator => page.getByRole('region', { name });
    await expect(step('1. Overview').getByRole('link', { name: /Operations overview/ })).toBeVisible();
    await expect(step('2. HTTP detail').getByRole('link', { name: 'acme-42' })).toBeVisible();
    await expect(step('3. Logs')).toContainText('version conflict');
    await page.getByRole('combobox', { name: 'Service' }).click();
    await page.getByRole('option', { name: 'gateway' }).click();
    await expect(page).toHaveURL(/service=gateway/);
    await expect(page.getByRole('table', { name: 'Request rate' }).getByRole('row')).toHaveCount(2);
  });

  test('shows a target that is down first, and why', async ({ page }) => {
    await openSignedIn(page, at('/'));
    await playBack(page, recorded());
    await page.goto(at('/observability/targets?env=prod'));
    const first = page.getByRole('table', { name: 'targets' }).getByRole('row').nth(1);
    await expect(first).toContainText('prod-prj-2');
    await expect(first).toContainText('context deadline exceeded');
  });

  for (const colorScheme of ['light', 'dark'] as const)
    test.describe(`in the ${colorScheme} theme`, () => {
      test.use({ colorScheme, reducedMotion: 'reduce' });
      test('has no serious accessibility violation', async ({ page }) => {
        test.setTimeout(300_000);
        await openSignedIn(page, at('/'));
        const found: string[] = [];
        for (const recording of [
          recorded(),
          recorded({ states: everyPart('not_configured'), alerts: [], targets: [] }),
        ]) {
          await page.unrouteAll({ behavior: 'ignoreErrors' });
          await playBack(page, recording);
          for (const address of [
            tenantTab,
            '/observability/alerts?env=prod',
            '/observability/alerts?env=prod&alert=a1',
            '/observability/triage?env=prod',
            '/observability/targets?env=prod',
            '/observability/dashboards?env=prod',
            '/observability/connections?env=prod',
            '/?env=prod',
          ]) {
            await page.goto(at(address));
            await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
            await expect(page.locator('[aria-busy="true"]')).toHaveCount(0);
            found.push(...(await violations(page, address, colorScheme)));
          }
        }
        expect(found).toEqual([]);
      });
    });
});

async function violations(page: Page, where: string, colorScheme: 'light' | 'dark'): Promise<string[]> {
  const scan = new AxeBuilder({ page });
  // Themes differ in colours only; the rest was looked at in the light one.
  if (colorScheme === 'dark') scan.withRules(['color-contrast']);
  const { violations: all } = await scan.analyze();
  return all
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(
      ({ id, nodes }) =>
        `${where}: ${id}: ${nodes
          .map(({ target }) => target.join(' '))
          .slice(0, 3)
          .join(' | ')}`,
    );
}

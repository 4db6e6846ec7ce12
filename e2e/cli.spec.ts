/** The command line client as people run it: let in by a browser, used, followed jobs with, and told when its session was ended. */
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, type Page } from '@playwright/test';
import pg from 'pg';
import { nodeFlags } from '#tools/setup.mjs';
import { startTestTcpProxy, type TestTcpProxy } from '#tools/test-tcp-proxy.ts';
import { openSignedIn, test } from './admin-browser.ts';
import { OWNER, signIn, type Caller, type ControlProcess } from './control-process.ts';
import { createTenant, startLastingPlatform, startMove, type LastingPlatform } from './lasting-platform.ts';

let platform: LastingPlatform;
let control: ControlProcess;
let owner: Caller;
/** The line between the command line and the server. */
let line: TestTcpProxy;
test.beforeAll(async () => {
  test.setTimeout(120_000);
  platform = await startLastingPlatform();
  control = await platform.start();
  line = await startTestTcpProxy(Number(new URL(control.url).port));
  owner = await signIn(control.url);
});
test.afterAll(async () => {
  await line?.close();
  await control?.stop();
  await platform?.stop();
});

/** A terminal with a home of its own. */
async function openTerminal() {
  const home = await mkdtemp(path.join(platform.folder, 'home-'));
  const start = (...args: string[]) => {
    const child = spawn(process.execPath, [...nodeFlags, path.resolve('cli/main.ts'), ...args], {
      env: { ...process.env, XDG_CONFIG_HOME: home, CONTROL_URL: `http://127.0.0.1:${line.port}` },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const written = { out: '', all: '' };
    child.stdout.on('data', (chunk: Buffer) => (written.out += chunk.toString()));
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => (written.all += chunk.toString()));
    const exit = new Promise<number | null>((resolve) => child.once('close', resolve));
    return { output: () => written.all, standardOutput: () => written.out, exit };
  };
  const run = async (...args: string[]) => {
    const { exit, output, standardOutput } = start(...args);
    return { exit: await exit, output: output(), standardOutput: standardOutput() };
  };
  const login = async () => {
    const going = start('login');
    await expect.poll(going.output).toContain('approve the code');
    const [, user_code = ''] = /code ([A-Z]{4}-[A-Z]{4})/.exec(going.output()) ?? [];
    return { ...going, user_code };
  };
  const file = path.join(home, 'cloudlysis-control', 'credentials.json');
  const credentials = async () => JSON.parse(await readFile(file, 'utf8')) as Record<string, string>;
  return {
    file,
    start,
    run,
    login,
    credentials,
    /** Signed in as the owner, without a page. */
    signIn: async () => {
      const { user_code, exit, output } = await login();
      const approved = await owner.call('POST', '/iam/device-requests/approve', { user_code });
      expect(approved.status).toBe(200);
      expect(await exit, output()).toBe(0);
    },
  };
}

async function inDatabase(text: string): Promise<void> {
  const client = new pg.Client({ connectionString: platform.postgres.url });
  await client.connect();
  try {
    await client.query(text);
  } finally {
    await client.end();
  }
}

const approve = async (page: Page) => {
  await page.getByRole('button', { name: 'Approve' }).click();
  await expect(page.getByText('The device is signed in')).toBeVisible();
};

test('somebody is signed in at a terminal by the browser, and hears there that the session was ended', async ({
  page,
}) => {
  const terminal = await openTerminal();
  expect(await terminal.run('whoami')).toMatchObject({
    exit: 3,
    output: expect.stringContaining('control login'),
  });

  const login = await terminal.login();
  await openSignedIn(page, `${control.url}/device?user_code=${login.user_code}`);
  await expect(page.getByText(login.user_code)).toBeVisible();
  await expect(page.getByText('Approve only what you began yourself')).toBeVisible();
  await approve(page);
  expect(await login.exit, login.output()).toBe(0);
  expect(login.output()).toContain(OWNER.email);

  expect((await stat(terminal.file)).mode & 0o777).toBe(0o600);
  expect((await stat(path.dirname(terminal.file))).mode & 0o777).toBe(0o700);
  const { access_token, refresh_token } = await terminal.credentials();
  const nodes = await terminal.run('api', 'GET', '/scale/nodes?limit=2&environment=prod');
  expect(nodes.exit, nodes.output).toBe(0);
  expect((JSON.parse(nodes.standardOutput) as { items: unknown[] }).items).toHaveLength(2);
  expect(await terminal.run('api', 'GET', '/tenantz')).toMatchObject({
    exit: 2,
    output: expect.stringContaining('GET /admin/v1/tenants'),
  });
  expect(await terminal.run('jobs', 'list', '--data', '{}')).toMatchObject({
    exit: 2,
    output: expect.stringContaining('jobs list takes no --data'),
  });
  for (const { output } of [nodes, { output: login.output() }])
    for (const secret of [access_token, refresh_token]) expect(output).not.toContain(secret);

  await page.goto(`${control.url}/account`);
  await expect(page.getByText('command line')).toHaveCount(1);
  await page.goto(`${control.url}/sessions?client=cli&state=active`);
  const row = page.getByRole('row').filter({ hasText: 'command line' });
  await expect(row).toHaveCount(1);
  await row.getByRole('button', { name: /^Actions/ }).click();
  await page.getByRole('menuitem', { name: 'End session…' }).click();
  await page.getByRole('dialog').getByLabel('Reason').fill('Lost laptop');
  await page.getByRole('dialog').getByRole('button', { name: /End/ }).click();
  await expect(row).toHaveCount(0);

  const ended = {
    exit: 3,
    output: 'This session was ended. Sign in again. Use: control login\n',
  };
  expect(await terminal.run('whoami')).toMatchObject(ended);
  expect(await terminal.run('logout')).toMatchObject({ exit: 0 });
  expect(await terminal.run('logout')).toMatchObject({ exit: 0, output: 'Nobody is signed in here.\n' });
});

test('a denied sign-in ends at the terminal, and a wrong code finds nothing', async ({ page }) => {
  const login = await (await openTerminal()).login();
  await openSignedIn(page, `${control.url}/device`);
  const code = page.getByRole('textbox', { name: 'Code' });
  await code.fill('BBBB-BBBB');
  await page.getByRole('button', { name: 'Continue' }).click();
  await expect(page.getByText('No device waits with this code')).toBeVisible();
  await code.fill(login.user_code.toLowerCase().replace('-', ''));
  await page.getByRole('button', { name: 'Continue' }).click();
  await page.getByRole('button', { name: 'Deny' }).click();
  await expect(page.getByText('The device was kept out')).toBeVisible();
  expect(await login.exit).toBe(1);
  expect(login.output()).toContain('denied this sign-in');
});

test('tokens that have expired are replaced unseen, and one that is used twice ends the session for everybody', async () => {
  const terminal = await openTerminal();
  await terminal.signIn();
  const first = await terminal.credentials();
  // Both may find out: the server by its clock, or the client by what it noted.
  await inDatabase(
    `update session_tokens set expires_at = now() - interval '1 second' where kind = 'access'`,
  );
  expect(await terminal.run('whoami')).toMatchObject({
    exit: 0,
    output: expect.stringContaining(OWNER.email),
  });
  const second = await terminal.credentials();
  await writeFile(terminal.file, JSON.stringify({ ...second, expires_at: new Date(0).toISOString() }));
  expect(await terminal.run('whoami')).toMatchObject({ exit: 0 });
  const third = await terminal.credentials();
  expect(new Set([first, second, third].map(({ refresh_token }) => refresh_token)).size).toBe(3);

  const thief = await openTerminal();
  await thief.signIn();
  await writeFile(thief.file, JSON.stringify({ ...first, expires_at: new Date(0).toISOString() }));
  expect(await thief.run('whoami')).toMatchObject({
    exit: 3,
    output: expect.stringContaining('somebody else may have it'),
  });
  expect(await terminal.run('whoami')).toMatchObject({
    exit: 3,
    output: expect.stringContaining('This session was ended'),
  });
});

test('a privileged change is made after it was confirmed in the browser', async ({ page }) => {
  const terminal = await openTerminal();
  await terminal.signIn();
  await inDatabase(
    `update sessions set authenticated_at = now() - interval '1 hour' where client = 'cli' and ended_at is null`,
  );
  const change = [
    'api',
    'POST',
    '/iam/tokens',
    '--data',
    '{"name":"ci","permissions":["tenants.read"],"expires_in_days":1}',
  ];
  expect(await terminal.run(...change)).toMatchObject({
    exit: 3,
    output: expect.stringContaining('control confirm'),
  });
  const confirming = terminal.start('confirm');
  await expect.poll(confirming.output).toContain('approve the code');
  const [address = ''] = /http\S+/.exec(confirming.output()) ?? [];
  await openSignedIn(page, address.replace(/^http:\/\/[^/]+/, control.url));
  await expect(page.getByText('Your command line session asks to be confirmed')).toBeVisible();
  await page.getByRole('button', { name: 'Approve' }).click();
  expect(await confirming.exit, confirming.output()).toBe(0);
  expect(await terminal.run(...change)).toMatchObject({ exit: 0 });
});

test('a job is followed to its end, over a lost connection, with the exit code of how it ended', async () => {
  const terminal = await openTerminal();
  await terminal.signIn();
  await createTenant(owner, 'followed');
  const stall = () =>
    platform.nodes
      .filter(({ kind }) => kind === 'aggregate')
      .map(({ node_id }) =>
        platform.fleet.faults.switchOn({ fault: 'drain_stalls', node_id, tenant_id: 'followed' }),
      );
  const stalls = stall();
  const { job_id } = await startMove(platform, owner, 'followed');
  const read = terminal.start('jobs', 'watch', job_id);
  const parsed = terminal.start('jobs', 'watch', job_id, '--json');
  for (const { output } of [read, parsed]) await expect.poll(output, { timeout: 15_000 }).toContain('Drain');
  line.cut();
  for (const { output } of [read, parsed]) await expect.poll(output).toContain('The connection was lost');
  line.mend();
  for (const { output } of [read, parsed]) await expect.poll(output).toContain('Connected again');
  for (const { id } of stalls) platform.fleet.faults.switchOff(id);
  expect(await read.exit, read.output()).toBe(0);
  expect(read.standardOutput()).toMatch(/^Migrate followed/);
  expect(read.standardOutput()).toContain('begun by owner@example.com');
  expect(read.standardOutput()).toMatch(/\nSucceeded\. (\d+) of \1 steps done\. It took \d/);
  // oxlint-disable-next-line no-control-regex -- colours begin with it
  expect(read.output()).not.toMatch(/\u001b/);
  expect(await parsed.exit, parsed.output()).toBe(0);
  const events = parsed
    .standardOutput()
    .trim()
    .split('\n')
    .map((text) => JSON.parse(text) as { type: string; sequence?: number; job?: { state: string } });
  const sequences = events.flatMap(({ sequence }) => sequence ?? []);
  expect(sequences).toEqual([...new Set(sequences)].sort((a, b) => a - b));
  expect(events.at(-1)?.job?.state).toBe('succeeded');
  const { body } = await owner.call<{ total: { count: number } }>('GET', `/audit/events?job_id=${job_id}`);
  expect(sequences).toHaveLength(body.total.count);

  stall();
  const second = await startMove(platform, owner, 'followed');
  const watched = terminal.start('jobs', 'watch', second.job_id);
  await expect.poll(watched.output).toContain('Drain');
  await owner.call('POST', `/jobs/${second.job_id}/cancel`, { reason: 'the wrong tenant' });
  expect(await watched.exit).toBe(5);
  expect(watched.output()).toContain('Cancelled; everything was undone.');
  const shown = await terminal.run('jobs', 'show', second.job_id);
  expect(shown).toMatchObject({ exit: 0, output: expect.stringContaining('Cancelled; everything') });
  const listed = await terminal.run(
    'jobs',
    'list',
    '--tenant',
    'followed',
    '--state',
    'cancelled_rolled_back',
  );
  expect(listed.output.trim().split('\n')).toHaveLength(2);
  expect(await terminal.run('jobs', 'watch', crypto.randomUUID())).toMatchObject({ exit: 1 });
});

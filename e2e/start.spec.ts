/** Starting and stopping the process: what it says when it cannot, what it says when it can, and what it leaves behind. */
import { execFile } from 'node:child_process';
import { createServer } from 'node:http';
import { once } from 'node:events';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from '@playwright/test';
import {
  freePort,
  launchControl,
  OWNER,
  signIn,
  startControl,
  temporaryFolder,
  waitFor,
  type ControlProcess,
} from './control-process.ts';

test.setTimeout(90_000);

/** As nobody names an owner. */
const NO_OWNER = { CONTROL_OWNER_EMAIL: '', CONTROL_OWNER_PASSWORD: '' };

let folder: string;
let remove: () => Promise<void>;
test.beforeEach(async () => {
  ({ folder, remove } = await temporaryFolder());
});
test.afterEach(async () => {
  for (const pid of await processesOf(folder)) process.kill(pid, 'SIGKILL');
  await remove();
});

/** Processes whose command line names the folder: the platform, PostgreSQL, and what waits for them. */
async function processesOf(where: string): Promise<number[]> {
  const { stdout } = await promisify(execFile)('ps', ['-eo', 'pid=,args=', '-ww']);
  return stdout
    .split('\n')
    .filter((line) => line.includes(where))
    .map((line) => Number.parseInt(line, 10));
}

/** Starts a server that cannot start; answers what it printed on standard error. */
async function refused(start: {
  args?: string[];
  env?: Record<string, string>;
  port?: number;
}): Promise<string> {
  const control = launchControl({ dataDir: folder, port: start.port ?? (await freePort()), ...start });
  expect(await control.ended, control.output()).toBe(1);
  expect(control.output()).not.toMatch(/^\s+at /m);
  expect(control.output().trimEnd().split('\n')).toHaveLength(1);
  expect(await processesOf(folder)).toEqual([]);
  return control.output().trim();
}

test('a taken port is said in one sentence, before anything is started', async () => {
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  const { port } = other.address() as AddressInfo;
  expect(await refused({ port })).toBe(
    `Port ${port} is taken; stop what uses it or choose another with PORT.`,
  );
  expect(await readdir(folder)).toEqual([]);
  other.close();
});

test('a data folder that cannot be made is said in one sentence', async () => {
  await writeFile(path.join(folder, 'file'), '');
  const below = path.join(folder, 'file', 'data');
  expect(await refused({ env: { CONTROL_DATA_DIR: below } })).toMatch(
    new RegExp(
      `^The data folder ${below} cannot be made \\(ENOTDIR\\); choose another with CONTROL_DATA_DIR\\.$`,
    ),
  );
});

test('a control.yaml that is no YAML is said in one sentence with the place', async () => {
  await writeFile(path.join(folder, 'control.yaml'), 'http:\n  port: [70\n');
  expect(await refused({})).toMatch(/control\.yaml is not valid YAML: .* line \d+, column \d+\.$/);
});

test('an unknown setting and a wrong one are each named with their path', async () => {
  await writeFile(path.join(folder, 'control.yaml'), 'http:\n  port: many\n  hots: localhost\n');
  const said = await refused({});
  expect(said).toContain('/http/hots is not a known setting');
  expect(said).toContain('/http/port must be integer');
});

test('a wrong number of tenants is refused with the allowed range', async () => {
  const values = ['many', '-1', '2000000'];
  expect(await Promise.all(values.map((value) => refused({ args: [`--tenants=${value}`] })))).toEqual(
    values.map((value) => `--tenants must be a whole number from 0 to 1000000, not "${value}".`),
  );
});

test('an unknown option is refused and the known ones are named', async () => {
  expect(await refused({ args: ['--tennants', '5'] })).toContain(
    'The options are --tenants N and --metrics.',
  );
});

test('the first start invents an owner and says the password once; the second finds the data of the first', async () => {
  const port = await freePort();
  const first = await startControl({ args: ['--tenants', '3'], dataDir: folder, port, env: NO_OWNER });
  await said(first, 'Log: ');
  expect(first.output()).toContain(`Cloudlysis Control is ready: http://localhost:${port}`);
  const owner = /^Sign in as (?<email>\S+) with password (?<password>\S+) {3}\(shown once\)$/m.exec(
    first.output(),
  )?.groups as { email: string; password: string };
  expect(owner.email).toBe('owner@cloudlysis.local');
  const caller = await signIn(first.url, owner);
  const created = await caller.call<{ job_id: string }>('POST', '/tenants', {
    tenant_id: 'kept-tenant',
    name: 'Kept',
    environments: ['prod'],
  });
  expect(created.status).toBe(202);
  await waitFor(
    'the provisioning',
    async () => (await caller.call<{ state: string }>('GET', `/jobs/${created.body.job_id}`)).body.state,
    (state) => state === 'succeeded',
  );
  await first.stop();

  const second = await startControl({ args: ['--tenants', '3'], dataDir: folder, port, env: NO_OWNER });
  await said(second, 'Log: ');
  expect(second.output()).not.toMatch(/password|Sign in as/);
  const again = await signIn(second.url, owner);
  const tenant = await again.call<{ name: string; status: string }>('GET', '/tenants/kept-tenant');
  expect(tenant.body).toMatchObject({ name: 'Kept', status: 'active' });
  await second.stop();
  expect(await readFile(path.join(folder, 'data', 'control.log'), 'utf8')).not.toContain(owner.password);
});

test('the first owner is the one of the environment, whose password is not printed; Ctrl-C ends everything that was started', async () => {
  const control = await startControl({ args: ['--tenants', '3'], dataDir: folder, port: await freePort() });
  await said(control, 'Log: ');
  expect(control.output()).toContain(`Sign in as ${OWNER.email} with the password of CONTROL_OWNER_PASSWORD`);
  expect(control.output()).not.toContain(OWNER.password);
  await signIn(control.url, OWNER);
  expect((await processesOf(folder)).length).toBeGreaterThan(1);
  control.kill('SIGINT');
  expect(await control.ended).toBe(0);
  await nothingLeft();
});

test('a second server on the same data is refused; after a kill of the first, the next takes up its PostgreSQL and data', async () => {
  const port = await freePort();
  const first = await startControl({ args: ['--tenants', '3'], dataDir: folder, port });
  const postmaster = await postmasterOf(folder);
  const intruder = launchControl({ dataDir: folder, port: await freePort() });
  expect(await intruder.ended).toBe(1);
  expect(intruder.output().trimEnd().split('\n')).toHaveLength(1);
  expect(intruder.output()).toContain('is in use by another control plane');
  await signIn(first.url, OWNER);

  first.kill('SIGKILL');
  expect(await first.ended).toBe('SIGKILL');
  expect(await postmasterOf(folder)).toBe(postmaster);
  const second = await startControl({ args: ['--tenants', '3'], dataDir: folder, port });
  expect(await postmasterOf(folder)).toBe(postmaster);
  const owner = await signIn(second.url, OWNER);
  const { body } = await owner.call<{ items: unknown[] }>('GET', '/tenants');
  expect(body.items).toHaveLength(3);
  second.kill('SIGINT');
  expect(await second.ended).toBe(0);
  await nothingLeft();
});

const nothingLeft = () =>
  waitFor(
    'the end of what was started',
    () => processesOf(folder),
    (pids) => pids.length === 0,
    5_000,
  );

const said = (control: ControlProcess, text: string) =>
  waitFor(
    text,
    async () => control.output(),
    (output) => output.includes(text),
    5_000,
  );

async function postmasterOf(where: string): Promise<string> {
  const file = await readFile(path.join(where, 'data', 'postgres', 'postmaster.pid'), 'utf8');
  return file.split('\n')[0] ?? '';
}

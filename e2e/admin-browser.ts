/** What browser specs share: the server with its simulated platform, faults of that platform, and a page on which no error goes unseen. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test as base, type BrowserContext, type Page } from '@playwright/test';
import {
  freePort,
  OWNER,
  startControl,
  temporaryFolder,
  type Caller,
  type ControlProcess,
} from './control-process.ts';

/** A refused request is written to the console by the browser itself; refusals are part of what is tested. */
const REFUSED = /^Failed to load resource: the server responded with a status of 4\d\d /;

/** Collects what goes wrong on any page of a context: console errors (CSP violations are some) and exceptions that nobody caught. */
function collectErrors(context: BrowserContext, expected: RegExp): string[] {
  const errors: string[] = [];
  context.on('console', (message) => {
    if (message.type() === 'error' && !expected.test(message.text()))
      errors.push(`${message.page()?.url()}: ${message.text()}`);
  });
  context.on('weberror', (problem) => {
    errors.push(`${problem.page()?.url()}: ${String(problem.error().stack)}`);
  });
  return errors;
}

/** A test whose pages may not write an error to the console, but those that `expectedErrors` fits. */
export const test = base.extend<{ expectedErrors: RegExp }>({
  expectedErrors: [REFUSED, { option: true }],
  context: async ({ context, expectedErrors }, provide) => {
    const errors = collectErrors(context, expectedErrors);
    await provide(context);
    expect(errors, 'errors in the browser').toEqual([]);
  },
});

export interface World {
  control: ControlProcess;
  faults: { switchOn(fault: Fault): Promise<void>; clear(): Promise<void> };
  stop(): Promise<void>;
}

/** Of a node, or of an environment; fleet/README.md has them all. */
interface Fault {
  node_id?: string;
  environment?: string;
  fault: string;
  tenant_id?: string;
  value?: number;
}

/** A server in embedded mode, with the simulated platform and so many tenants; with metrics and alerts, where it finds the programs. */
export async function startWorld(tenants: number, pathWithMetrics: string | null = null): Promise<World> {
  const { folder, remove } = await temporaryFolder();
  const control = await startControl({
    args: ['--tenants', String(tenants), ...(pathWithMetrics === null ? [] : ['--metrics'])],
    ...(pathWithMetrics !== null && { env: { PATH: pathWithMetrics } }),
    dataDir: folder,
    port: await freePort(),
  });
  const manifest = path.join(folder, 'data', 'platform', 'manifest.json');
  const { control_url, token } = JSON.parse(await readFile(manifest, 'utf8')) as {
    control_url: string;
    token: string;
  };
  const call = async (method: string, body?: Fault) => {
    const answer = await fetch(`${control_url}/faults`, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(body && { 'content-type': 'application/json' }),
      },
      ...(body && { body: JSON.stringify(body) }),
    });
    if (!answer.ok) throw new Error(`${method} /faults answered ${answer.status}: ${await answer.text()}`);
  };
  return {
    control,
    faults: { switchOn: (fault) => call('POST', fault), clear: () => call('DELETE') },
    stop: async () => {
      await control.stop();
      await remove();
    },
  };
}

/** Fills the sign-in page that is open. */
export async function submitSignIn(page: Page, { email, password } = OWNER): Promise<void> {
  await page.getByLabel('Email').fill(email);
  await page.getByLabel('Password', { exact: true }).fill(password);
  await page.getByRole('button', { name: 'Sign in' }).click();
}

/** Opens an address as somebody who is not signed in yet, and signs in. */
export async function openSignedIn(page: Page, address: string, credentials = OWNER): Promise<void> {
  await page.goto(address);
  await submitSignIn(page, credentials);
  await expect(page.getByRole('navigation', { name: 'Main' })).toBeVisible();
}

/** A user with one role everywhere. */
export async function createPerson(
  owner: Caller,
  email: string,
  role_id: string,
): Promise<{ user_id: string; email: string; password: string }> {
  const password = 'a quiet harbour at seven';
  const created = await owner.call<{ user: { user_id: string } }>('POST', '/iam/users', {
    email,
    display_name: `Person of ${role_id}`,
    password,
  });
  expect(created.status).toBe(201);
  const { user_id } = created.body.user;
  expect((await owner.call('POST', '/iam/assignments', { user_id, role_id })).status).toBe(201);
  return { user_id, email, password };
}

export interface PlacedTenant {
  tenant_id: string;
  placements: { aggregate: string; projection: string; runner: string };
}

/** Active tenants of prod, from the end of the alphabet: none of them stands on the first page of the list. */
export async function lastTenants(owner: Caller, count: number): Promise<PlacedTenant[]> {
  const { body } = await owner.call<{ items: PlacedTenant[] }>(
    'GET',
    `/tenants?status=active&environment=prod&sort=-tenant_id&limit=${count}`,
  );
  return body.items;
}

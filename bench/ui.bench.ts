/** What the Admin UI costs to load: its JavaScript, the time to a usable tenants page in an empty cache, and the time until the server is ready. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { chromium, type Browser } from '@playwright/test';
import { freePort, signIn, startControl, temporaryFolder } from '../e2e/control-process.ts';
import { median, printTable } from './bench-tools.ts';

const TENANTS = 2_000;
const LOADS = 7;
const STARTS = 3;
const root = path.join(import.meta.dirname, '..');

interface PageLoad {
  ms: number;
  javascript: number;
  all: number;
}

/** Opens an address in a context of its own, with nothing cached, until `ready` is on it; counts what came over the wire. */
async function loadCold(browser: Browser, address: string, cookie: string, ready: string): Promise<PageLoad> {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
  const [name, value] = cookie.split(/=(.*)/s) as [string, string];
  await context.addCookies([
    { name, value, domain: 'localhost', path: '/', secure: true, httpOnly: true, sameSite: 'Strict' },
  ]);
  const page = await context.newPage();
  const network = await context.newCDPSession(page);
  const types = new Map<string, string>();
  let javascript = 0;
  let all = 0;
  network.on('Network.responseReceived', ({ requestId, type }) => void types.set(requestId, type));
  network.on('Network.loadingFinished', ({ requestId, encodedDataLength }) => {
    all += encodedDataLength;
    if (types.get(requestId) === 'Script') javascript += encodedDataLength;
  });
  await network.send('Network.enable');
  await network.send('Network.setCacheDisabled', { cacheDisabled: true });
  // Read by the page itself, so that the driver's own round trips do not count.
  await page.addInitScript((selector) => {
    const look = () => {
      const found = document.querySelector(selector);
      if (found) document.documentElement.dataset['benchReady'] = String(performance.now());
      else requestAnimationFrame(look);
    };
    look();
  }, ready);
  await page.goto(address, { waitUntil: 'commit' });
  await page.waitForSelector('html[data-bench-ready]', { state: 'attached' });
  const ms = Number(await page.locator('html').getAttribute('data-bench-ready'));
  await context.close();
  return { ms, javascript, all };
}

/** Runs `npm start` on the folder and answers the milliseconds until it says that it is ready. */
async function startWarm(dataDir: string): Promise<number> {
  const from = performance.now();
  const child = spawn('npm', ['start', '--silent'], {
    cwd: root,
    env: { ...process.env, PORT: String(await freePort()), CONTROL_DATA_DIR: dataDir },
    stdio: ['ignore', 'pipe', 'inherit'],
    // A process group, so that the signal reaches all of it, as Ctrl-C in a terminal does.
    detached: true,
  });
  let said = '';
  while (!said.includes('is ready: ')) {
    const [chunk] = (await Promise.race([once(child.stdout, 'data'), once(child, 'exit')])) as [unknown];
    if (!(chunk instanceof Buffer)) throw new Error(`npm start ended with ${String(chunk)}:\n${said}`);
    said += chunk.toString();
  }
  const ms = performance.now() - from;
  if (child.pid !== undefined) process.kill(-child.pid, 'SIGINT');
  await once(child, 'exit');
  return ms;
}

const { folder, remove } = await temporaryFolder();
const control = await startControl({
  args: ['--tenants', String(TENANTS)],
  dataDir: folder,
  port: await freePort(),
});
// Also when a measurement fails.
process.on('exit', () => control.kill('SIGTERM'));
const { cookie } = await signIn(control.url);
const browser = await chromium.launch({
  executablePath: process.env['CONTROL_CHROMIUM'] ?? '/usr/bin/chromium',
  args: process.getuid?.() === 0 ? ['--no-sandbox'] : [],
});
const tenants: PageLoad[] = [];
const bare: PageLoad[] = [];
// The first round warms up the server and the browser, and is not counted.
for (let round = 0; round <= LOADS; round++) {
  const plain = await loadCold(browser, `${control.url}/color-scheme.js`, cookie, 'pre');
  const loaded = await loadCold(
    browser,
    `${control.url}/tenants?env=prod`,
    cookie,
    'tbody tr a[data-row-link]',
  );
  if (round === 0) continue;
  bare.push(plain);
  tenants.push(loaded);
}
await browser.close();
await control.stop();

process.stderr.write('measuring warm starts …\n');
const starts: number[] = [];
for (let round = 0; round < STARTS; round++) starts.push(await startWarm(path.join(folder, 'data')));
await remove();

const kb = (bytes: number) => `${(bytes / 1000).toFixed(0)} KB`;
const ms = (value: number) => `${value.toFixed(0)} ms`;
const tenantsMs = median(tenants.map((load) => load.ms));
const bareMs = median(bare.map((load) => load.ms));
printTable(
  ['figure', 'measured', 'goal'],
  [
    [
      'compressed JavaScript until the tenants page is usable',
      kb(median(tenants.map((load) => load.javascript))),
      '≤ 250 KB',
    ],
    ['everything transferred until then', kb(median(tenants.map((load) => load.all))), ''],
    [
      `tenants page of ${TENANTS.toLocaleString('en')}, empty cache, until its rows are there, median of ${LOADS}`,
      ms(tenantsMs),
      '≤ 1,000 ms',
    ],
    ['a bare text file of the same server in the same browser, likewise', ms(bareMs), ''],
    ['ratio', (tenantsMs / bareMs).toFixed(1), ''],
    [`warm \`npm start\` until it is ready, median of ${STARTS}`, ms(median(starts)), '≤ 3,000 ms'],
  ],
);

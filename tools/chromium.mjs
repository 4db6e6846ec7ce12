import { spawnSync } from 'node:child_process';
import { accessSync, constants, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';

const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
const elsewhere = [
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
];

/** Finds a Chromium, installing Debian's where that is allowed; otherwise gives the reason there is none. */
export function findChromium() {
  const present = locate();
  if (present) return { path: present };
  const wanted = process.env.CONTROL_CHROMIUM;
  if (wanted) return { reason: `CONTROL_CHROMIUM names ${wanted}, which is no program` };
  if (!isDebian() || process.getuid?.() !== 0) {
    return {
      reason:
        'there is no Chromium: install one (Debian: apt-get install chromium) or set CONTROL_CHROMIUM to its path',
    };
  }
  console.log('Installing Chromium (once) …');
  const environment = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  for (const args of [['update'], ['install', '--yes', '--no-install-recommends', 'chromium']]) {
    const { status, stderr } = spawnSync('apt-get', ['-qq', ...args], { env: environment, encoding: 'utf8' });
    if (status !== 0)
      return { reason: `"apt-get ${args.join(' ')}" failed: ${stderr.trim().split('\n').at(-1)}` };
  }
  const path = locate();
  return path ? { path } : { reason: 'apt-get installed chromium, but no program of that name is on PATH' };
}

function locate() {
  const wanted = process.env.CONTROL_CHROMIUM;
  const folders = (process.env.PATH ?? '').split(delimiter);
  const candidates = wanted
    ? [wanted]
    : [...names.flatMap((name) => folders.map((folder) => join(folder, name))), ...elsewhere];
  return candidates.find(isExecutable);
}

function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function isDebian() {
  try {
    return /^ID=debian$/m.test(readFileSync('/etc/os-release', 'utf8'));
  } catch {
    return false;
  }
}

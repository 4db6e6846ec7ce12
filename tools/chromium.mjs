import { delimiter, join } from 'node:path';

import { installFromDebian, isExecutable } from './service-binaries.mjs';

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
  const failure = installFromDebian('chromium');
  if (failure) {
    return {
      reason: `there is no Chromium: install one (Debian: apt-get install chromium) or set CONTROL_CHROMIUM to its path (${failure})`,
    };
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

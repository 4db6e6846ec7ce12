import { dirname } from 'node:path';

import { unpackFromDebian } from './service-binaries.mjs';

/**
 * Finds the folder of the test vectors of Wycheproof (https://github.com/C2SP/wycheproof, Apache-2.0), getting Debian's where that is
 * allowed. Answers `{ path }` or `{ reason }`.
 */
export function findWycheproof() {
  const { path, reason } = unpackFromDebian({
    release: 'forky',
    packages: ['golang-github-c2sp-wycheproof-dev'],
    file: 'usr/share/gocode/src/github.com/c2sp/wycheproof/testvectors_v1/json_web_signature_test.json',
  });
  return path ? { path: dirname(path) } : { reason };
}

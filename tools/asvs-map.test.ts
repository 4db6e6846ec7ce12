import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { REQUIREMENTS } from './asvs-map.ts';

const ROOT = path.join(import.meta.dirname, '..');
/** The last number of each section that has requirements of levels 1 and 2, as ASVS 5.0.0 counts them; one without level 3 in between. */
const SECTIONS: Record<string, number> = {
  'V6.1': 3,
  'V6.2': 12,
  'V6.3': 4,
  'V6.4': 4,
  'V6.5': 5,
  'V6.6': 3,
  'V6.8': 4,
  'V7.1': 3,
  'V7.2': 4,
  'V7.3': 2,
  'V7.4': 5,
  'V7.5': 2,
  'V7.6': 2,
  'V8.1': 2,
  'V8.2': 3,
  'V8.3': 1,
  'V8.4': 1,
  'V9.1': 3,
  'V9.2': 4,
  'V10.1': 2,
  'V10.2': 2,
  'V10.3': 4,
  'V10.4': 11,
  'V10.5': 5,
  'V10.6': 2,
  'V10.7': 3,
  'V13.1': 1,
  'V13.2': 5,
  'V13.3': 2,
  'V13.4': 5,
  'V14.1': 2,
  'V14.2': 4,
  'V14.3': 3,
  'V16.1': 1,
  'V16.2': 5,
  'V16.3': 4,
  'V16.4': 3,
  'V16.5': 3,
};

it('each requirement of the chapters stands in the map once, in order', () => {
  const expected = Object.entries(SECTIONS).flatMap(([section, last]) =>
    Array.from({ length: last }, (_, index) => `${section}.${index + 1}`),
  );
  expect(REQUIREMENTS.map(({ number }) => number)).toEqual(expected);
});

it('each test that the map names stands in the file that it names', () => {
  const missing = REQUIREMENTS.flatMap(({ number, verdict }) =>
    verdict.state !== 'proved'
      ? []
      : verdict.tests.flatMap(({ file, name }) =>
          standsIn(file, name) ? [] : [`${number}: ${file}: ${name}`],
        ),
  );
  expect(missing).toEqual([]);
});

it('each file that the map says to read exists', () => {
  const missing = REQUIREMENTS.flatMap(({ number, verdict }) =>
    verdict.state === 'by_reading' && !existsSync(path.join(ROOT, verdict.where))
      ? [`${number}: ${verdict.where}`]
      : [],
  );
  expect(missing).toEqual([]);
});

/** As the first argument of a call: a comment or another text with these words does not count. */
function standsIn(file: string, name: string): boolean {
  if (!existsSync(path.join(ROOT, file))) return false;
  const words = name.replaceAll(/[$()*+.?[\\\]^{|}]/g, String.raw`\$&`);
  return new RegExp(`\\(\\s*(['"\`])${words}\\1,`).test(readFileSync(path.join(ROOT, file), 'utf8'));
}

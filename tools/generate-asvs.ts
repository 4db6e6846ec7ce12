/** Writes docs/security/asvs.md, or with `--check` fails when the committed one is not what the map says. */
import { REQUIREMENTS, type Verdict } from './asvs-map.ts';
import { updateGenerated } from './generated-files.ts';

const STATES = {
  proved: 'proved',
  by_reading: 'met, by reading',
  not_applicable: 'does not apply',
  not_met: '**open**',
} as const satisfies Record<Verdict['state'], string>;

const cell = (text: string): string => text.replaceAll('|', '\\|');

function evidence(verdict: Verdict): string {
  switch (verdict.state) {
    case 'proved':
      return verdict.tests.map(({ file, name }) => `[${cell(name)}](../../${file})`).join('<br>');
    case 'by_reading':
      return `[${verdict.where}](../../${verdict.where}): ${cell(verdict.why)}`;
    case 'not_applicable':
    case 'not_met':
      return cell(verdict.why);
  }
}

const count = (state: Verdict['state']) =>
  REQUIREMENTS.filter(({ verdict }) => verdict.state === state).length;

const text = `<!-- Generated from tools/asvs-map.ts by "npm run generate". Do not edit. -->

# OWASP ASVS 5.0, levels 1 and 2

The requirements of chapters V6 to V10, V13, V14 and V16 by their numbers, with titles of our own; their text is at
[OWASP/ASVS](https://github.com/OWASP/ASVS). A named test exists: a unit test fails when it does not. What is met by reading alone
is held by no test.

${REQUIREMENTS.length} requirements: ${count('proved')} proved by tests, ${count('by_reading')} met by reading, ${count('not_applicable')} do not apply, ${count('not_met')} open.

| number | level | requirement | state | by |
| --- | --- | --- | --- | --- |
${REQUIREMENTS.map(
  ({ number, level, title, verdict }) =>
    `| ${number} | ${level} | ${cell(title)} | ${STATES[verdict.state]} | ${evidence(verdict)} |`,
).join('\n')}
`;
const upToDate = await updateGenerated(
  { 'docs/security/asvs.md': text },
  { check: process.argv.includes('--check') },
);
if (!upToDate) process.exitCode = 1;

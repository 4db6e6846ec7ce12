/** Writes what `stack/` generates: dashboards, rules, configurations, the metrics contract. `--check` compares instead. */
import { format } from 'oxfmt';

import { stackFiles } from '#stack/stack-files.ts';
import { updateGenerated } from './generated-files.ts';

const files = stackFiles();
for (const [path, text] of Object.entries(files)) {
  // Documents are formatted like those that are written by hand.
  if (path.endsWith('.md')) files[path] = (await format(path, text, { printWidth: 110 })).code;
}
const upToDate = await updateGenerated(files, { check: process.argv.includes('--check') });
if (!upToDate) process.exitCode = 1;

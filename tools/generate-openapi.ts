/** Writes `openapi.json`, or with `--check` fails when the committed one is not what the contract says. */
import { openApiDocument } from '#server/http/openapi.ts';
import { updateGenerated } from './generated-files.ts';

const text = `${JSON.stringify(openApiDocument(), null, 2)}\n`;
const upToDate = await updateGenerated({ 'openapi.json': text }, { check: process.argv.includes('--check') });
if (!upToDate) process.exitCode = 1;

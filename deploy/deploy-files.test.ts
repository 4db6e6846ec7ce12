/** What the files of this folder promise that can be seen by reading them. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';

import { OBSERVABILITY_PARTS } from '#contract/observability.ts';
import { ConfigurationFile, readConfiguration } from '#server/configuration.ts';
import { nodeFlags, programEnvironment } from '#tools/setup.mjs';

const here = import.meta.dirname;
const read = (name: string) => readFileSync(join(here, name), 'utf8');

const dockerfile = read('Dockerfile');
/** Its instructions, each on one line, without comments. */
const instructions = dockerfile
  .replaceAll(/^#.*\n/gm, '')
  .replaceAll(/\\\n\s*/g, '')
  .split('\n')
  .filter((line) => line !== '');
const lastStage = instructions.slice(instructions.findLastIndex((line) => line.startsWith('FROM ')));
const only = (word: string) => lastStage.filter((line) => line.startsWith(`${word} `));

test('the image has the Node that the lockfile pins', () => {
  const version = read('../.node-version').trim();
  expect(instructions[0]).toMatch(new RegExp(`^ARG NODE_IMAGE=node:${version}-`));
  expect(instructions.filter((line) => /^FROM (?!\$\{NODE_IMAGE\})/.test(line))).toEqual([]);
});

test('packages come by the lockfile, without scripts of theirs, and nothing else from the network', () => {
  const commands = instructions.filter((line) => line.startsWith('RUN '));
  expect(
    commands.filter((line) => !/^RUN \["npm", "ci", .*"--ignore-scripts"|^RUN \["node", /.test(line)),
  ).toEqual([]);
  expect(instructions.filter((line) => line.startsWith('ADD '))).toEqual([]);
});

test('the server does not run as root, and not below a shell', () => {
  expect(only('USER')).toEqual(['USER 1000:1000']);
  expect(lastStage.filter((line) => /^(ENTRYPOINT|CMD|SHELL|RUN) (?!\[)/.test(line))).toEqual([]);
});

test('the server runs with the flags and the environment of npm start', () => {
  const [command = ''] = only('ENTRYPOINT');
  expect(JSON.parse(command.replace('ENTRYPOINT ', ''))).toEqual(['node', ...nodeFlags, 'server/main.ts']);
  const memory = Object.entries(programEnvironment()).filter(([name]) => name.startsWith('MALLOC_'));
  expect(memory.length).toBeGreaterThan(0);
  for (const [name, value] of memory) expect(only('ENV')[0]).toContain(`${name}=${value}`);
});

test.each(['control.example.yaml', 'control.stack.example.yaml'])('%s fits the schema', (file) => {
  const folder = mkdtempSync(join(tmpdir(), 'deploy-'));
  try {
    // The only thing that it needs beside itself.
    const password = join(folder, 'nats_password');
    writeFileSync(password, 'secret');
    const text = read(file).replace('/run/secrets/nats_password', password);
    writeFileSync(join(folder, 'control.yaml'), text);
    const { host, environments } = readConfiguration([], {}, folder);
    expect(host).toBe('0.0.0.0');
    expect(environments?.[0]).toMatchObject({
      name: 'prod',
      nats: { credentials: { password_file: password } },
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('docs/deploying.md has a row for each setting of control.yaml, and for no other', () => {
  const sections = Object.keys(ConfigurationFile.properties).join('|');
  const rows = read('../docs/deploying.md').matchAll(new RegExp(`^\\| \`((?:${sections})[^\`]*)\``, 'gm'));
  // All parts of the observability stack have the same settings, and one row each for all of them.
  const documented = [...rows].flatMap(([, name = '']) =>
    OBSERVABILITY_PARTS.map((part) => name.replace('<part>', part)),
  );
  expect(new Set(documented)).toEqual(new Set(settingsOf(ConfigurationFile)));
});

interface Schema {
  properties?: Record<string, object>;
  items?: object;
}

/** Paths of what can be set, as in `http.port` and `environments[].name`. */
function settingsOf(schema: object, path = ''): string[] {
  const { properties, items }: Schema = schema;
  if (items && 'properties' in items) return settingsOf(items, `${path}[]`);
  if (!properties) return [path];
  return Object.entries(properties).flatMap(([name, setting]) =>
    settingsOf(setting, path === '' ? name : `${path}.${name}`),
  );
}

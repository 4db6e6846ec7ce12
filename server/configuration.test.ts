import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readConfiguration, StartError, type Configuration } from './configuration.ts';

describe('a secret in a file', () => {
  let folder: string;
  let secretFile: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'configuration-'));
    secretFile = join(folder, 'secret');
    writeFileSync(secretFile, 'postgres://control:hidden@db/control\n');
    writeFileSync(join(folder, 'empty'), '\n');
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  const read = (env: NodeJS.ProcessEnv) => readConfiguration([], env, folder);
  function complaint(env: NodeJS.ProcessEnv): string {
    try {
      read(env);
    } catch (error) {
      if (error instanceof StartError) return error.message;
      throw error;
    }
    return 'none';
  }

  it.each<[string, (configuration: Configuration) => string | null]>([
    ['CONTROL_DATABASE_URL', ({ databaseUrl }) => databaseUrl],
    ['CONTROL_NODE_TOKEN', ({ nodeToken }) => nodeToken],
    ['CONTROL_OWNER_PASSWORD', ({ owner }) => owner.password],
  ])('stands for %s, without its last line end', (name, valueOf) => {
    expect(valueOf(read({ [`${name}_FILE`]: secretFile }))).toBe('postgres://control:hidden@db/control');
  });

  it('keeps spaces and further line ends, which a password may have', () => {
    writeFileSync(join(folder, 'odd'), ' two \n\r\n');
    expect(read({ CONTROL_NODE_TOKEN_FILE: join(folder, 'odd') }).nodeToken).toBe(' two \n');
  });

  it.each(['CONTROL_DATABASE_URL', 'CONTROL_NODE_TOKEN', 'CONTROL_OWNER_PASSWORD'])(
    'is refused beside %s, and not shown',
    (name) => {
      expect(complaint({ [name]: 'postgres://given', [`${name}_FILE`]: secretFile })).toBe(
        `${name} and ${name}_FILE are both set; keep one of them.`,
      );
    },
  );

  it('that cannot be read is named with its variable', () => {
    const file = join(folder, 'absent');
    expect(complaint({ CONTROL_NODE_TOKEN_FILE: file })).toBe(
      `CONTROL_NODE_TOKEN_FILE names ${file}, which cannot be read (ENOENT).`,
    );
    expect(complaint({ CONTROL_NODE_TOKEN_FILE: folder })).toBe(
      `CONTROL_NODE_TOKEN_FILE names ${folder}, which cannot be read (EISDIR).`,
    );
  });

  it('that is empty is refused, rather than taken for no secret', () => {
    const file = join(folder, 'empty');
    expect(complaint({ CONTROL_OWNER_PASSWORD_FILE: file })).toBe(
      `CONTROL_OWNER_PASSWORD_FILE names ${file}, which is empty.`,
    );
  });

  it('named by an empty variable is none', () => {
    expect(read({ CONTROL_DATABASE_URL_FILE: '' }).databaseUrl).toBeNull();
  });
});

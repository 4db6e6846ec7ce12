import { randomBytes } from 'node:crypto';
import { expect, it } from 'vitest';
import { createSecretBox, readSecretKeys } from './secret-box.ts';

const secret = Buffer.from('a key of an authenticator');

it('what is sealed opens for its owner, and is not readable in between', () => {
  const box = createSecretBox([randomBytes(32)]);
  const sealed = box.seal(secret, 'anna');
  expect(sealed.includes(secret)).toBe(false);
  expect(box.seal(secret, 'anna').equals(sealed)).toBe(false);
  expect(box.open(sealed, 'anna').equals(secret)).toBe(true);
});

it('does not open for another owner, after a change, or under another key', () => {
  const box = createSecretBox([randomBytes(32)]);
  const sealed = box.seal(secret, 'anna');
  expect(() => box.open(sealed, 'bert')).toThrow(/authenticate|not configured|auth/i);
  for (let index = 0; index < sealed.length; index++) {
    const changed = Buffer.from(sealed);
    changed[index] = changed[index]! ^ 1;
    expect(() => box.open(changed, 'anna')).toThrow(/authenticate|not configured|auth/i);
  }
  expect(() => createSecretBox([randomBytes(32)]).open(sealed, 'anna')).toThrow(/not configured/);
});

it('an old key goes on opening behind a new one', () => {
  const old = randomBytes(32);
  const sealed = createSecretBox([old]).seal(secret, 'anna');
  const keys = readSecretKeys([randomBytes(32), old].map((key) => key.toString('base64')).join(', '));
  expect(createSecretBox(keys).open(sealed, 'anna').equals(secret)).toBe(true);
});

it('a key that is too short is refused in words that do not show it', () => {
  expect(() => readSecretKeys('c2hvcnQ=')).toThrow(/^key 1 is not 32 bytes in base64/);
});

import { describe, expect, it } from 'vitest';
import { csrfTokenOf, isApiToken, newApiToken, newSecret, secretHash } from './secret-values.ts';

describe('an API token', () => {
  it('is recognised by prefix and checksum', () => {
    const { value, prefix } = newApiToken();
    expect(value).toMatch(/^clc_[\w-]{49}$/);
    expect(value.startsWith(prefix)).toBe(true);
    expect(prefix).toHaveLength(8);
    expect(isApiToken(value)).toBe(true);
  });

  it.each([
    [
      'one character changed',
      (value: string) => value.slice(0, 20) + (value[20] === 'a' ? 'b' : 'a') + value.slice(21),
    ],
    ['cut off', (value: string) => value.slice(0, -1)],
    ['another prefix', (value: string) => value.replace('clc_', 'ghp_')],
    ['nothing', () => ''],
  ])('is not taken for one with %s', (_what, spoil) => {
    expect(isApiToken(spoil(newApiToken().value))).toBe(false);
  });
});

describe('a session token', () => {
  it('gives the same CSRF token every time, which its kept hash does not give', () => {
    const token = newSecret();
    expect(csrfTokenOf(token)).toBe(csrfTokenOf(token));
    expect(csrfTokenOf(token)).not.toBe(secretHash(token).toString('base64url'));
  });
});

import { describe, expect, it } from 'vitest';
import { generatePassword, newPasswordFault } from './password-rules.ts';

describe('a generated password', () => {
  it('is new every time, long enough, and free of look-alikes', () => {
    const passwords = Array.from({ length: 200 }, () => generatePassword());
    expect(new Set(passwords).size).toBe(passwords.length);
    for (const password of passwords) {
      expect(password).toMatch(/^([A-HJ-NP-Za-km-z2-9]{5}-){4}[A-HJ-NP-Za-km-z2-9]{5}$/);
      expect(newPasswordFault(password)).toBeNull();
    }
  });

  it('throws away the bytes that would make some characters likelier', () => {
    let calls = 0;
    const password = generatePassword((bytes) => bytes.fill(calls++ === 0 ? 255 : 0));
    expect(password).toBe('AAAAA-AAAAA-AAAAA-AAAAA-AAAAA');
    expect(calls).toBe(2);
  });
});

describe('a new password', () => {
  it.each([
    ['', 'Give a password'],
    ['short', '7 more characters: 12 at least'],
    ['elevenchars', '1 more character: 12 at least'],
    ['aaaaaaaaaaaaa', 'This repeats too few characters'],
    ['correct horse battery', null],
  ])('"%s": %s', (password, fault) => {
    expect(newPasswordFault(password)).toBe(fault);
  });
});

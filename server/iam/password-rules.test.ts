import { describe, expect, it } from 'vitest';
import { commonPasswords } from './common-passwords.ts';
import { passwordFault } from './password-rules.ts';

const common = await commonPasswords();
const owner = { email: 'maria.lindqvist@acmecorp.example', display_name: 'Maria Lindqvist' };

describe('a new password', () => {
  it.each([
    'correct horse battery staple',
    'tangerine-vivid-moss-41',
    'xK9!vTq2#mLw',
    'nine blue kettles sing',
    'ölkannenträger7',
  ])('is accepted when it is hard to guess: %s', (password) => {
    expect(passwordFault(password, owner, common)).toBeNull();
  });

  it.each([
    '123456789012',
    'qwertyuiop12',
    'Password1234',
    'P@ssw0rd1234',
    'Welcome2026!',
    'letmeinletmein',
    'correcthorsebatterystaple',
    '1q2w3e4r5t6y',
    'Kristina2024',
    'abgrtyu12345',
  ])('is refused when attackers try it first: %s', (password) => {
    expect(passwordFault(password, owner, common)).toMatch(/attackers try first/);
  });

  it.each([
    'Cloudlysis2026!',
    'cl0udlys1s-123',
    'lindqvist12345',
    'MariaLindqvist',
    'acmecorp-2026',
    'maria.lindqvist',
  ])('is refused when it is made of what everybody knows: %s', (password) => {
    expect(passwordFault(password, owner, common)).toMatch(/your name/);
  });

  it('is refused when it repeats too few characters', () => {
    expect(passwordFault('abcabcabcabc', owner, common)).toMatch(/too few/);
  });

  it('may contain a common word when enough else is there', () => {
    expect(passwordFault('dragon wept over tea', owner, common)).toBeNull();
  });

  it('is measured against what breaches have shown, in lower case', () => {
    expect(common.size).toBeGreaterThan(40_000);
    expect([...common].filter((word) => word !== word.toLowerCase())).toEqual([]);
  });
});

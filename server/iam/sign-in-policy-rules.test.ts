import { describe, expect, it } from 'vitest';
import {
  allowedMethods,
  demandingRoles,
  lackAfter,
  secondFactorsOf,
  type SignInFacts,
} from './sign-in-policy-rules.ts';

const nothing: SignInFacts = { totp: false, passkeys: 0, recovery_codes: 0, policies: [] };
const strict = { role_id: 'owner', methods: ['password', 'passkey'], mfa_required: true } as const;
const keysOnly = { role_id: 'admin', methods: ['passkey'], mfa_required: false } as const;

describe('after a first factor', () => {
  it('nothing is missing for who has no second factor and no role that demands one', () => {
    expect(lackAfter('password', nothing)).toBeNull();
  });
  it.each(['password', 'provider'] as const)(
    '%s is followed by a second factor where there is one',
    (method) => {
      expect(lackAfter(method, { ...nothing, totp: true })).toBe('second_factor');
      expect(lackAfter(method, { ...nothing, passkeys: 1, policies: [strict] })).toBe('second_factor');
    },
  );
  it('recovery codes alone are no second factor', () => {
    expect(lackAfter('password', { ...nothing, recovery_codes: 8 })).toBeNull();
  });
  it('a role that demands a second factor leads to its enrolment', () => {
    expect(lackAfter('password', { ...nothing, policies: [strict] })).toBe('enrolment');
  });
  it('a passkey is enough by itself', () => {
    expect(lackAfter('passkey', { ...nothing, totp: true, policies: [strict] })).toBeNull();
  });
});

it('only what every role allows is allowed', () => {
  expect(allowedMethods([])).toEqual(['password', 'passkey', 'provider']);
  expect(allowedMethods([strict])).toEqual(['password', 'passkey']);
  expect(allowedMethods([strict, keysOnly])).toEqual(['passkey']);
});

it('names the roles that demand something', () => {
  const lax = {
    role_id: 'support',
    methods: ['password', 'passkey', 'provider'],
    mfa_required: false,
  } as const;
  expect(demandingRoles([lax, strict, keysOnly])).toEqual(['owner', 'admin']);
});

it('offers the factors that there are', () => {
  expect(secondFactorsOf({ ...nothing, totp: true, recovery_codes: 3 })).toEqual(['totp', 'recovery_code']);
});

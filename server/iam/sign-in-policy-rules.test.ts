import { describe, expect, it } from 'vitest';
import {
  allowedMethods,
  demandingRoles,
  effectOfPolicy,
  lackAfter,
  secondFactorsOf,
  type SignInFacts,
  type WaysIn,
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

describe('a new policy of a role, at the next sign-in', () => {
  const person: WaysIn = { ...nothing, password: true, identities: 0 };
  const open = {
    role_id: 'support',
    methods: ['password', 'passkey', 'provider'],
    mfa_required: false,
  } as const;
  const keys = { ...open, methods: ['passkey'] } as const;

  it('shuts out who has none of the ways that are left', () => {
    expect(effectOfPolicy(person, keys)).toBe('shut_out');
    const strictElsewhere = { ...person, passkeys: 1, policies: [keysOnly] };
    expect(effectOfPolicy(strictElsewhere, { ...open, methods: ['password'] })).toBe('shut_out');
  });
  it('narrows the choice of who has another way', () => {
    expect(effectOfPolicy({ ...person, passkeys: 1 }, keys)).toBe('narrowed');
  });
  it('makes those enrol who have no second factor and did not need one', () => {
    const demanding = { ...open, mfa_required: true };
    expect(effectOfPolicy(person, demanding)).toBe('enrols');
    expect(effectOfPolicy({ ...person, totp: true }, demanding)).toBeNull();
    expect(effectOfPolicy({ ...person, policies: [strict] }, demanding)).toBeNull();
  });
  it('is not noticed when it replaces a narrower one, nor by who could not sign in before', () => {
    expect(effectOfPolicy({ ...person, policies: [{ ...keys, mfa_required: true }] }, open)).toBeNull();
    expect(effectOfPolicy({ ...person, password: false }, keys)).toBeNull();
  });
});

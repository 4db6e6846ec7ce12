/** Pure: what follows from somebody's factors and the policies of their roles when they sign in. */
import type { PendingSignIn } from '#contract/endpoint.ts';
import { SIGN_IN_METHODS, type SecondFactor, type SignInEffect, type SignInMethod } from '#contract/iam.ts';

export interface RolePolicy {
  role_id: string;
  methods: readonly SignInMethod[];
  mfa_required: boolean;
}

/** What somebody has, and what their roles demand. */
export interface SignInFacts {
  totp: boolean;
  passkeys: number;
  recovery_codes: number;
  policies: readonly RolePolicy[];
}

/** The methods that every role allows. */
export const allowedMethods = (policies: readonly RolePolicy[]): SignInMethod[] =>
  SIGN_IN_METHODS.filter((method) => policies.every(({ methods }) => methods.includes(method)));

export const mfaRequired = (policies: readonly RolePolicy[]): boolean =>
  policies.some(({ mfa_required }) => mfa_required);

/** Roles whose policy is narrower than none. */
export const demandingRoles = (policies: readonly RolePolicy[]): string[] =>
  policies
    .filter(({ methods, mfa_required }) => mfa_required || methods.length < SIGN_IN_METHODS.length)
    .map(({ role_id }) => role_id);

export const secondFactorsOf = ({ totp, passkeys, recovery_codes }: SignInFacts): SecondFactor[] => [
  ...(totp ? (['totp'] as const) : []),
  ...(passkeys > 0 ? (['passkey'] as const) : []),
  ...(recovery_codes > 0 ? (['recovery_code'] as const) : []),
];

export const hasSecondFactor = ({ totp, passkeys }: Pick<SignInFacts, 'totp' | 'passkeys'>): boolean =>
  totp || passkeys > 0;

/** What is missing after this method; null = nothing. A passkey is two factors: the device, and what unlocks it. */
export function lackAfter(method: SignInMethod, facts: SignInFacts): PendingSignIn | null {
  if (method === 'passkey') return null;
  if (hasSecondFactor(facts)) return 'second_factor';
  return mfaRequired(facts.policies) ? 'enrolment' : null;
}

/** Everything that somebody can sign in with. */
export interface WaysIn extends SignInFacts {
  password: boolean;
  identities: number;
}

const openWays = (person: WaysIn, policies: readonly RolePolicy[]): SignInMethod[] => {
  const has = { password: person.password, passkey: person.passkeys > 0, provider: person.identities > 0 };
  return allowedMethods(policies).filter((method) => has[method]);
};

/** What somebody notices at the next sign-in when one of their roles gets this policy; null = nothing, or only what gets easier. */
export function effectOfPolicy(person: WaysIn, policy: RolePolicy): SignInEffect | null {
  const policies = [...person.policies.filter(({ role_id }) => role_id !== policy.role_id), policy];
  const before = openWays(person, person.policies);
  const after = openWays(person, policies);
  if (before.length > 0 && after.length === 0) return 'shut_out';
  if (!hasSecondFactor(person) && mfaRequired(policies) && !mfaRequired(person.policies)) return 'enrols';
  return after.length < before.length ? 'narrowed' : null;
}

/** Why a session that was opened by these methods does not fit what the roles demand now; null = it does. */
export function faultOfMethods(methods: readonly string[], policies: readonly RolePolicy[]): string | null {
  const [first] = methods;
  const allowed: readonly string[] = allowedMethods(policies);
  if (first === undefined || !allowed.includes(first))
    return `Your roles do not allow signing in by ${first ?? 'nothing'}.`;
  if (mfaRequired(policies) && first !== 'passkey' && methods.length < 2)
    return 'Your roles demand a second factor, which this session has not.';
  return null;
}

/** Pure: what follows from somebody's factors and the policies of their roles when they sign in. */
import type { PendingSignIn } from '#contract/endpoint.ts';
import { SIGN_IN_METHODS, type SecondFactor, type SignInMethod } from '#contract/iam.ts';

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

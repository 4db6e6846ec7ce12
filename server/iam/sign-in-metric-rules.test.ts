import { expect, it } from 'vitest';
import { loginResultOf } from './sign-in-metric-rules.ts';

const event = (
  action: string,
  outcome: 'succeeded' | 'failed' | 'denied',
  rest: { cause?: string; lacks?: string } = {},
) => ({ action, outcome, cause: null, lacks: null, ...rest });

it.each([
  ['a password that was enough', event('iam.login', 'succeeded'), 'ok'],
  [
    'a password with a second factor to come',
    event('iam.login', 'succeeded', { lacks: 'second_factor' }),
    null,
  ],
  ['the second factor', event('iam.login.second_factor', 'succeeded'), 'ok'],
  ['a passkey', event('iam.login.passkey', 'succeeded'), 'ok'],
  ['a role that demands to enrol first', event('iam.login', 'succeeded', { lacks: 'enrolment' }), 'ok'],
  ['a wrong password', event('iam.login', 'failed', { cause: 'wrong_password' }), 'wrong_credentials'],
  ['nobody’s email', event('iam.login', 'failed', { cause: 'unknown_user' }), 'wrong_credentials'],
  ['a suspended user', event('iam.login', 'failed', { cause: 'user_suspended' }), 'locked'],
  ['a wrong code', event('iam.login.second_factor', 'failed', { cause: 'wrong_totp_code' }), 'mfa_failed'],
  ['signing out', event('iam.logout', 'succeeded'), null],
  ['stepping up', event('iam.step_up', 'failed', { cause: 'wrong_password' }), null],
])('counts %s as what it is', (_what, given, expected) => {
  expect(loginResultOf(given)).toBe(expected);
});

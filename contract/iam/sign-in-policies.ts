/** How those who have a role may sign in. Several roles: what every one of them allows, and a second factor if any demands it. */
import { Type, type Static } from 'typebox';
import { Mutated, OneOf, Reason, Slug } from '../common.ts';
import { endpoint } from '../endpoint.ts';
import { body } from './fields.ts';
import { SIGN_IN_METHODS } from './sign-in.ts';

const fields = {
  methods: Type.Array(OneOf(SIGN_IN_METHODS), { minItems: 1, uniqueItems: true }),
  mfa_required: Type.Boolean({ description: 'Who has no second factor enrols one at the next sign-in' }),
};
export const SignInPolicy = Type.Object({ role_id: Slug, ...fields });
export type SignInPolicy = Static<typeof SignInPolicy>;

const at = {
  path: '/admin/v1/iam/roles/:role_id/sign-in-policy',
  params: Type.Object({ role_id: Slug }),
} as const;

export const getSignInPolicy = endpoint({
  ...at,
  id: 'iam.roles.sign_in_policy.get',
  method: 'GET',
  summary: 'How those who have a role may sign in',
  permission: 'iam.roles.read',
  scope: 'none',
  step_up: 'none',
  response: SignInPolicy,
  status: 200,
  problems: ['not_found'],
});
export const setSignInPolicy = endpoint({
  ...at,
  id: 'iam.roles.sign_in_policy.set',
  method: 'PUT',
  summary: 'Say how those who have a role may sign in; counts from their next sign-in',
  permission: 'iam.roles.update',
  scope: 'none',
  step_up: 'recent',
  body: body({ ...fields, reason: Reason }),
  response: Mutated({ policy: SignInPolicy }),
  status: 200,
  problems: ['not_found', 'unprocessable'],
});

/** How those who have a role may sign in. Several roles: what every one of them allows, and a second factor if any demands it. */
import { Type, type Static } from 'typebox';
import { Mutated, OneOf, Reason, Slug, Uuid } from '../common.ts';
import { endpoint } from '../endpoint.ts';
import { PREVIEW_USERS } from './access.ts';
import { body } from './fields.ts';
import { SIGN_IN_METHODS } from './sign-in.ts';

const fields = {
  methods: Type.Array(OneOf(SIGN_IN_METHODS), { minItems: 1, uniqueItems: true }),
  mfa_required: Type.Boolean({ description: 'Who has no second factor enrols one at the next sign-in' }),
};
export const SignInPolicy = Type.Object({ role_id: Slug, ...fields });
export type SignInPolicy = Static<typeof SignInPolicy>;

/** What a narrower policy does to somebody at their next sign-in; the worst comes first. */
export const SIGN_IN_EFFECTS = ['shut_out', 'enrols', 'narrowed'] as const;
export type SignInEffect = (typeof SIGN_IN_EFFECTS)[number];

const effectCount = (description: string) => Type.Integer({ description });
export const SignInPolicyPreview = Type.Object({
  blockers: Type.Array(Type.Object({ code: Type.String(), detail: Type.String() }), {
    description: 'Why the change would be refused',
  }),
  users: Type.Array(
    Type.Object({
      user_id: Uuid,
      email: Type.String(),
      display_name: Type.String(),
      effect: OneOf(SIGN_IN_EFFECTS),
    }),
    { description: `Who would notice, the worst off first; ${PREVIEW_USERS} at most` },
  ),
  counts: Type.Object({
    shut_out: effectCount('Have no way in left'),
    enrols: effectCount('Have to enrol a second factor first'),
    narrowed: effectCount('Lose a way in that they have, and keep another'),
  }),
  holder_count: Type.Integer({ description: 'How many have the role' }),
});
export type SignInPolicyPreview = Static<typeof SignInPolicyPreview>;

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
export const previewSignInPolicy = endpoint({
  id: 'iam.roles.sign_in_policy.preview',
  method: 'POST',
  path: '/admin/v1/iam/roles/:role_id/sign-in-policy/preview',
  summary: 'What a sign-in policy would do to those who have the role; changes nothing',
  permission: 'iam.roles.update',
  scope: 'none',
  step_up: 'none',
  params: Type.Object({ role_id: Slug }),
  body: body(fields),
  response: SignInPolicyPreview,
  status: 200,
  problems: ['not_found'],
});

/** Signing in at somebody else: OpenID Connect providers of `control.yaml`, and the identities there that open an account here. */
import { Type } from 'typebox';
import { Mutated, Uuid } from '../common.ts';
import { endpoint } from '../endpoint.ts';
import { body } from './fields.ts';
import { SignInStep } from './sign-in.ts';

const ProviderId = Type.String({ minLength: 1, maxLength: 31 });
/** The browser keeps `state` and compares it with the one it comes back with. */
const Departure = Type.Object({ authorization_url: Type.String(), state: Type.String() });
const Arrival = body({
  state: Type.String({ minLength: 1, maxLength: 128 }),
  callback: Type.String({
    maxLength: 4096,
    description: 'Query of the address that the provider sent the browser back to',
  }),
});

export const getSignInOptions = endpoint({
  id: 'iam.sign_in_options',
  method: 'GET',
  path: '/admin/v1/iam/sign-in-options',
  summary: 'What the sign-in page offers',
  permission: 'public',
  scope: 'none',
  step_up: 'none',
  response: Type.Object({
    password_reset: Type.Boolean({ description: 'A mail can be sent' }),
    providers: Type.Array(Type.Object({ provider_id: Type.String(), title: Type.String() })),
  }),
  status: 200,
});
export const startProviderLogin = endpoint({
  id: 'iam.login.provider.start',
  method: 'POST',
  path: '/admin/v1/iam/login/provider/start',
  summary: 'Begin signing in at an identity provider',
  permission: 'public',
  scope: 'none',
  step_up: 'none',
  body: body({ provider_id: ProviderId }),
  response: Departure,
  status: 200,
  problems: ['not_found', 'upstream_failed'],
});
export const loginWithProvider = endpoint({
  id: 'iam.login.provider',
  method: 'POST',
  path: '/admin/v1/iam/login/provider',
  summary: 'Sign in with what an identity provider said',
  permission: 'public',
  scope: 'none',
  step_up: 'none',
  body: Arrival,
  response: SignInStep,
  status: 200,
  problems: ['invalid_credentials', 'upstream_failed', 'action_not_allowed'],
});
export const startIdentityLink = endpoint({
  id: 'iam.me.identities.start',
  method: 'POST',
  path: '/admin/v1/iam/me/identities/start',
  summary: 'Begin linking an account at an identity provider to yours',
  permission: 'authenticated',
  scope: 'none',
  step_up: 'recent',
  body: body({ provider_id: ProviderId }),
  response: Departure,
  status: 200,
  problems: ['not_found', 'upstream_failed'],
});
export const linkIdentity = endpoint({
  id: 'iam.me.identities.link',
  method: 'POST',
  path: '/admin/v1/iam/me/identities',
  summary: 'Link an account at an identity provider to yours',
  permission: 'authenticated',
  scope: 'none',
  step_up: 'none',
  body: Arrival,
  response: Mutated({}),
  status: 200,
  problems: ['invalid_credentials', 'already_exists', 'upstream_failed'],
});
export const unlinkIdentity = endpoint({
  id: 'iam.me.identities.remove',
  method: 'POST',
  path: '/admin/v1/iam/me/identities/:identity_id/remove',
  summary: 'Unlink an account at an identity provider',
  permission: 'authenticated',
  scope: 'none',
  step_up: 'recent',
  params: Type.Object({ identity_id: Uuid }),
  response: Mutated({}),
  status: 200,
  problems: ['not_found'],
});

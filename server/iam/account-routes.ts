/** The endpoints of signing in and of one's own account. */
import * as contract from '#contract/iam.ts';
import { responsibleUserId } from '#server/http/call-context.ts';
import { route, type Route } from '#server/http/route.ts';
import {
  inspectLink,
  inviteUser,
  redeemLink,
  requestPasswordReset,
  resendInvitation,
  resetUserPassword,
} from './access-link-service.ts';
import type { AccountDeps } from './account-deps.ts';
import {
  addPasskey,
  confirmTotp,
  readSignInMethods,
  removePasskey,
  removeTotp,
  renewRecoveryCodes,
  startPasskey,
  startTotp,
  type Enrolled,
} from './factor-service.ts';
import {
  depart,
  linkIdentity,
  signInWithProvider,
  unlinkIdentity,
  unlinkUserIdentity,
} from './identity-service.ts';
import { endMyOtherSessions, endMySession, listMySessions, updateMyProfile } from './my-account-service.ts';
import { startAuthentication } from './passkey-service.ts';
import { changeOwnPassword } from './password-service.ts';
import { signOutActing } from './impersonation-service.ts';
import { personOf } from './personal-session.ts';
import { finishSignIn } from './session-opening.ts';
import { describeMe, signIn, signInWithPasskey, signOut } from './sign-in-service.ts';
import { previewSignInPolicy, readSignInPolicy, setSignInPolicy } from './sign-in-policy-service.ts';
import { confirmPresence } from './step-up-service.ts';
import { resetUserMfa, revokeRecoveryCodes } from './user-mfa-service.ts';

interface CookieSetter {
  setSession(token: string | null): void;
}

/** The answer without the token, which goes into the cookie. */
async function withCookie<A extends { token: string }>(
  call: CookieSetter,
  step: Promise<A>,
): Promise<Omit<A, 'token'>> {
  const { token, ...answer } = await step;
  call.setSession(token);
  return answer;
}

async function withRenewedCookie(
  call: CookieSetter,
  enrolment: Promise<Enrolled>,
): Promise<Omit<Enrolled, 'token'>> {
  const { token, ...answer } = await enrolment;
  if (token !== null) call.setSession(token);
  return answer;
}

export function signInRoutes(deps: AccountDeps): Route[] {
  const { db } = deps;
  return [
    route(contract.getSignInOptions, async () => ({
      password_reset: deps.mailer.delivers,
      providers: deps.providers.map(({ provider_id, title }) => ({ provider_id, title })),
    })),
    route(contract.login, (call) => withCookie(call, signIn(deps, call.context, call.body))),
    route(contract.startPasskeyLogin, async () => ({
      options: await startAuthentication(deps, 'passkey_sign_in', null),
    })),
    route(contract.loginWithPasskey, (call) =>
      withCookie(call, signInWithPasskey(deps, call.context, call.body.passkey)),
    ),
    route(contract.startPasskeyProof, async ({ context }) => {
      const asked = personOf(context);
      const person = { user_id: responsibleUserId(asked), session_id: asked.session.session_id };
      return { options: await startAuthentication(deps, 'passkey_proof', person) };
    }),
    route(contract.startProviderLogin, ({ body }) =>
      depart(deps, body.provider_id, 'provider_sign_in', null),
    ),
    route(contract.loginWithProvider, (call) =>
      withCookie(call, signInWithProvider(deps, call.context, call.body)),
    ),
    route(contract.requestPasswordReset, ({ context, body }) => requestPasswordReset(deps, context, body)),
    route(contract.inspectLink, ({ body }) => inspectLink(deps, body.token)),
    route(contract.redeemLink, ({ context, body }) => redeemLink(deps, context, body)),
    route(contract.loginSecondFactor, (call) =>
      withCookie(call, finishSignIn(deps, call.context, call.body)),
    ),
    route(contract.stepUp, (call) => withCookie(call, confirmPresence(deps, call.context, call.body))),
    route(contract.logout, async (call) => {
      const acts = call.context.principal?.impersonation;
      const answer = await (acts ? signOutActing : signOut)(db, call.context);
      call.setSession(null);
      return answer;
    }),
  ];
}

export function myAccountRoutes(deps: AccountDeps): Route[] {
  const { db } = deps;
  return [
    route(contract.me, ({ context }) => describeMe(db, context)),
    route(contract.updateMyProfile, ({ context, body }) => updateMyProfile(db, context, body)),
    route(contract.changeMyPassword, ({ context, body }) => changeOwnPassword(deps, context, body)),
    route(contract.getMySignInMethods, ({ context }) => readSignInMethods(deps, personOf(context).user_id)),
    route(contract.startTotpEnrolment, ({ context }) => startTotp(deps, context)),
    route(contract.confirmTotpEnrolment, (call) =>
      withRenewedCookie(call, confirmTotp(deps, call.context, call.body.code)),
    ),
    route(contract.removeTotp, ({ context }) => removeTotp(db, context)),
    route(contract.renewRecoveryCodes, ({ context }) => renewRecoveryCodes(db, context)),
    route(contract.startPasskeyEnrolment, ({ context }) => startPasskey(deps, context)),
    route(contract.addPasskey, (call) => withRenewedCookie(call, addPasskey(deps, call.context, call.body))),
    route(contract.removePasskey, ({ context, params }) => removePasskey(db, context, params.passkey_id)),
    route(contract.startIdentityLink, ({ context, body }) =>
      depart(deps, body.provider_id, 'provider_link', personOf(context).session.session_id),
    ),
    route(contract.linkIdentity, ({ context, body }) => linkIdentity(deps, context, body)),
    route(contract.unlinkIdentity, ({ context, params }) => unlinkIdentity(db, context, params.identity_id)),
    route(contract.listMySessions, ({ context }) => listMySessions(db, context)),
    route(contract.endMySession, ({ context, params }) => endMySession(db, context, params.session_id)),
    route(contract.endMyOtherSessions, ({ context }) => endMyOtherSessions(db, context)),
  ];
}

/** What administrators do about other people's way in. */
export function userAccessRoutes(deps: AccountDeps): Route[] {
  const { db } = deps;
  return [
    route(contract.inviteUser, ({ context, body }) => inviteUser(deps, context, body)),
    route(contract.resendInvitation, ({ context, params, body }) =>
      resendInvitation(deps, context, params.user_id, body.reason),
    ),
    route(contract.resetUserPassword, ({ context, params, body }) =>
      resetUserPassword(deps, context, params.user_id, body.reason),
    ),
    route(contract.resetUserMfa, ({ context, params, body }) =>
      resetUserMfa(db, context, params.user_id, body.reason),
    ),
    route(contract.revokeUserRecoveryCodes, ({ context, params, body }) =>
      revokeRecoveryCodes(db, context, params.user_id, body.reason),
    ),
    route(contract.unlinkUserIdentity, ({ context, params, body }) =>
      unlinkUserIdentity(db, context, params, body.reason),
    ),
    route(contract.getUserSignInMethods, ({ params }) => readSignInMethods(deps, params.user_id)),
    route(contract.getSignInPolicy, ({ params }) => readSignInPolicy(db, params.role_id)),
    route(contract.setSignInPolicy, ({ context, params, body }) =>
      setSignInPolicy(db, context, params.role_id, body),
    ),
    route(contract.previewSignInPolicy, ({ params, body }) => previewSignInPolicy(db, params.role_id, body)),
  ];
}

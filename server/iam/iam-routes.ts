/** The endpoints of identity and access. */
import * as contract from '#contract/iam.ts';
import type { Database } from '#server/db/database.ts';
import { route, type Route } from '#server/http/route.ts';
import { accessRoutes } from './access-routes.ts';
import { detectionRoutes } from './detection-routes.ts';
import type { SignInSettings } from './account-deps.ts';
import type { GatewayAdmin } from './gateway-admin.ts';
import { revokeTenantSessions } from './gateway-session-service.ts';
import { myAccountRoutes, signInRoutes, userAccessRoutes } from './account-routes.ts';
import { deviceSignInRoutes } from './device-sign-in-routes.ts';
import { setUserPassword } from './password-service.ts';
import { planRevokeMatching, startRevokeMatching } from './session-ending-service.ts';
import { listSessions, revokeSession, revokeUserSessions } from './session-service.ts';
import { tokenIssuerRoutes } from './token-issuer-routes.ts';
import { impersonationRoutes } from './impersonation-routes.ts';
import { createSignInThrottle } from './sign-in-throttle.ts';
import { serviceAccountRoutes } from './service-account-routes.ts';
import { createToken, revokeToken, rotateToken } from './token-service.ts';
import { listTokenRows } from './token-store.ts';
import { changeUserStatus, createUser, updateUser } from './user-service.ts';
import { listUserRows, readUserListItem } from './user-store.ts';

export interface IamRouteDeps {
  db: Database;
  /** The configured environments: a role or token is limited to one of these. */
  environmentNames: readonly string[];
  signIn: SignInSettings;
  /** The Gateway of each environment. */
  gateways: readonly GatewayAdmin[];
}

/** Every route of the domain; call once, the sign-in throttle is made here. */
export function iamRoutes({ db, environmentNames, signIn, gateways }: IamRouteDeps): Route[] {
  const account = { db, throttle: createSignInThrottle(db), ...signIn };
  return [
    ...signInRoutes(account),
    ...myAccountRoutes(account),
    ...userAccessRoutes(account),
    ...tokenIssuerRoutes(account),
    ...deviceSignInRoutes(account),

    route(contract.listUsers, ({ query }) => listUserRows(db, query)),
    route(contract.createUser, ({ context, body }) => createUser(db, context, body)),
    route(contract.getUser, ({ params }) => readUserListItem(db, params.user_id)),
    route(contract.updateUser, ({ context, params, body, if_match }) =>
      updateUser(db, context, params.user_id, if_match, body),
    ),
    route(contract.setUserPassword, ({ context, params, body }) =>
      setUserPassword(db, context, params.user_id, body),
    ),
    route(contract.suspendUser, ({ context, params, body }) =>
      changeUserStatus(db, context, 'suspend', params.user_id, body.reason),
    ),
    route(contract.reactivateUser, ({ context, params, body }) =>
      changeUserStatus(db, context, 'reactivate', params.user_id, body.reason),
    ),
    route(contract.disableUser, ({ context, params, body }) =>
      changeUserStatus(db, context, 'disable', params.user_id, body.reason),
    ),
    route(contract.deleteUser, ({ context, params, body }) =>
      changeUserStatus(db, context, 'delete', params.user_id, body.reason),
    ),

    route(contract.listSessions, ({ context, query }) => listSessions(db, context, query)),
    route(contract.revokeSession, ({ context, params, body }) =>
      revokeSession({ db, gateways }, context, params.session_id, body.reason),
    ),
    route(contract.revokeUserSessions, ({ context, params, body }) =>
      revokeUserSessions(db, context, params.user_id, body.reason),
    ),
    route(contract.revokeTenantSessions, ({ context, params, body }) =>
      revokeTenantSessions({ db, gateways }, context, { ...body, ...params }, body.reason),
    ),
    route(contract.planRevokeMatching, ({ context, body }) => planRevokeMatching(db, context, body)),
    route(contract.revokeMatching, ({ context, body }) => startRevokeMatching(db, context, body)),

    ...accessRoutes(db, environmentNames),
    ...detectionRoutes(db),
    ...impersonationRoutes(db, signIn.breakGlass),
    ...serviceAccountRoutes(db, environmentNames),

    route(contract.listTokens, ({ query }) => listTokenRows(db, query)),
    route(contract.createToken, ({ context, body }) => createToken(db, context, environmentNames, body)),
    route(contract.rotateToken, ({ context, params, body }) =>
      rotateToken(db, context, params.token_id, body),
    ),
    route(contract.revokeToken, ({ context, params, body }) =>
      revokeToken(db, context, params.token_id, body.reason),
    ),
  ];
}

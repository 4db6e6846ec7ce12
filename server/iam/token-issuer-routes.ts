/** The endpoints around bearer JWTs of configured issuers. */
import * as contract from '#contract/iam.ts';
import { route, type Route } from '#server/http/route.ts';
import type { AccountDeps } from './account-deps.ts';
import { linkUserIdentity, listTokenIssuers, revokeTokenSession } from './token-identity-service.ts';

export const tokenIssuerRoutes = (deps: AccountDeps): Route[] => [
  route(contract.listTokenIssuers, () => listTokenIssuers(deps)),
  route(contract.linkUserIdentity, ({ context, params, body }) =>
    linkUserIdentity(deps, context, params.user_id, body),
  ),
  route(contract.revokeTokenSession, ({ context, body }) => revokeTokenSession(deps, context, body)),
];

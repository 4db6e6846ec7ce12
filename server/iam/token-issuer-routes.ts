/** The endpoints around bearer JWTs of configured issuers. */
import * as contract from '#contract/iam.ts';
import type { Database } from '#server/db/database.ts';
import { route, type Route } from '#server/http/route.ts';
import {
  linkUserIdentity,
  listTokenIssuers,
  listUserIdentities,
  revokeTokenSession,
} from './token-identity-service.ts';
import type { TokenVerifier } from './token-verifier.ts';

export const tokenIssuerRoutes = (db: Database, verifier: TokenVerifier | null): Route[] => [
  route(contract.listTokenIssuers, async () => listTokenIssuers(verifier)),
  route(contract.listUserIdentities, ({ params }) => listUserIdentities(db, params.user_id)),
  route(contract.linkUserIdentity, ({ context, params, body }) =>
    linkUserIdentity(db, verifier, context, params.user_id, body),
  ),
  route(contract.revokeTokenSession, ({ context, body }) => revokeTokenSession(db, verifier, context, body)),
];

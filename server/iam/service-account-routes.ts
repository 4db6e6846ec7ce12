/** The endpoints of service accounts. */
import * as contract from '#contract/iam.ts';
import type { Database } from '#server/db/database.ts';
import { route, type Route } from '#server/http/route.ts';
import {
  changeServiceAccountStatus,
  createServiceAccount,
  updateServiceAccount,
} from './service-account-service.ts';
import { listServiceAccountRows, readServiceAccount } from './service-account-store.ts';
import { createServiceAccountToken } from './token-service.ts';

/** `environmentNames`: the configured environments; a token is limited to one of these. */
export const serviceAccountRoutes = (db: Database, environmentNames: readonly string[]): Route[] => [
  route(contract.listServiceAccounts, ({ query }) => listServiceAccountRows(db, query)),
  route(contract.createServiceAccount, ({ context, body }) => createServiceAccount(db, context, body)),
  route(contract.getServiceAccount, ({ params }) => readServiceAccount(db, params.user_id)),
  route(contract.updateServiceAccount, ({ context, params, body, if_match }) =>
    updateServiceAccount(db, context, params.user_id, if_match, body),
  ),
  route(contract.disableServiceAccount, ({ context, params, body }) =>
    changeServiceAccountStatus(db, context, 'disable', params.user_id, body.reason),
  ),
  route(contract.enableServiceAccount, ({ context, params, body }) =>
    changeServiceAccountStatus(db, context, 'enable', params.user_id, body.reason),
  ),
  route(contract.deleteServiceAccount, ({ context, params, body }) =>
    changeServiceAccountStatus(db, context, 'delete', params.user_id, body.reason),
  ),
  route(contract.createServiceAccountToken, ({ context, params, body }) =>
    createServiceAccountToken(db, context, environmentNames, params.user_id, body),
  ),
];

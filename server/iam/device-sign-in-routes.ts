/** The endpoints of signing in at a terminal. */
import * as contract from '#contract/iam.ts';
import { route, type Route } from '#server/http/route.ts';
import type { AccountDeps } from './account-deps.ts';
import {
  approveRequest,
  authorizeDevice,
  authorizeStepUp,
  denyRequest,
  inspectRequest,
} from './device-request-service.ts';
import { giveUpTokens, grantTokens } from './token-grant-service.ts';

export function deviceSignInRoutes(deps: AccountDeps): Route[] {
  const { db } = deps;
  return [
    route(contract.authorizeDevice, ({ context, body }) => authorizeDevice(deps, context, body)),
    route(contract.issueTokens, ({ context, body }) => grantTokens(db, context, body)),
    route(contract.revokeTokens, ({ context, body }) => giveUpTokens(db, context, body.token)),
    route(contract.authorizeDeviceStepUp, ({ context, body }) => authorizeStepUp(deps, context, body)),
    route(contract.inspectDeviceRequest, ({ context, body }) =>
      inspectRequest(deps, context, body.user_code),
    ),
    route(contract.approveDeviceRequest, ({ context, body }) =>
      approveRequest(deps, context, body.user_code),
    ),
    route(contract.denyDeviceRequest, ({ context, body }) => denyRequest(deps, context, body.user_code)),
  ];
}

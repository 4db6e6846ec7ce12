import * as contract from '#contract/iam.ts';
import type { Database } from '#server/db/database.ts';
import { route, type Route } from '#server/http/route.ts';
import type { BreakGlassSettings } from './impersonation-rules.ts';
import {
  endImpersonation,
  previewImpersonation,
  reviewImpersonation,
  startImpersonation,
} from './impersonation-service.ts';
import { listImpersonationRows, readImpersonation } from './impersonation-store.ts';

/** Acting as another user, and its reviews. */
export const impersonationRoutes = (db: Database, settings: BreakGlassSettings): Route[] => [
  route(contract.previewImpersonation, ({ context, params }) =>
    previewImpersonation(db, settings, context, params.user_id),
  ),
  route(contract.startImpersonation, async (call) => {
    const { token, ...answer } = await startImpersonation(db, settings, call.context, call.body);
    call.setActing(token);
    return answer;
  }),
  route(contract.endImpersonation, async (call) => {
    const answer = await endImpersonation(db, call.context);
    call.setActing(null);
    return answer;
  }),
  route(contract.listImpersonations, ({ query }) => listImpersonationRows(db, query)),
  route(contract.getImpersonation, ({ params }) => readImpersonation(db, params.impersonation_id)),
  route(contract.reviewImpersonation, ({ context, params, body }) =>
    reviewImpersonation(db, context, params.impersonation_id, body),
  ),
];

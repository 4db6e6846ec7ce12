import * as contract from '#contract/audit.ts';
import type { Database } from '#server/db/database.ts';
import { route, type Route } from '#server/http/route.ts';
import { listAuditEvents } from './audit-service.ts';

export const auditRoutes = ({ db }: { db: Database }): Route[] => [
  route(contract.listAuditEvents, ({ context, query }) => listAuditEvents(db, context, query)),
];

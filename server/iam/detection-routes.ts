/** The endpoints of detections. */
import * as contract from '#contract/iam/detections.ts';
import type { Database } from '#server/db/database.ts';
import { route, type Route } from '#server/http/route.ts';
import { listDetections, readDetection, settleDetection } from './detection-service.ts';

export const detectionRoutes = (db: Database): Route[] => [
  route(contract.listDetections, ({ query }) => listDetections(db, query)),
  route(contract.getDetection, ({ params }) => readDetection(db, params.detection_id)),
  route(contract.acknowledgeDetection, ({ context, params, body }) =>
    settleDetection(db, context, 'acknowledge', params.detection_id, body.reason),
  ),
  route(contract.resolveDetection, ({ context, params, body }) =>
    settleDetection(db, context, 'resolve', params.detection_id, body.reason),
  ),
];

import * as contract from '#contract/jobs.ts';
import type { Database } from '#server/db/database.ts';
import { route, type Route } from '#server/http/route.ts';
import type { JobFeed } from './job-feed.ts';
import { cancelJob, listJobs, readJob, resolveJob, watchJob } from './job-service.ts';

export const jobRoutes = ({ db, feed }: { db: Database; feed: JobFeed }): Route[] => [
  route(contract.listJobs, ({ context, query }) => listJobs(db, context, query)),
  route(contract.getJob, ({ context, params }) => readJob(db, context, params.job_id)),
  route(contract.cancelJob, ({ context, params, body }) =>
    cancelJob(db, context, params.job_id, body.reason),
  ),
  route(contract.retryJob, ({ context, params, body }) =>
    resolveJob(db, context, 'retry', params.job_id, body.reason),
  ),
  route(contract.skipJob, ({ context, params, body }) =>
    resolveJob(db, context, 'skip', params.job_id, body.reason),
  ),
  route(contract.jobEvents, ({ context, params, signal, last_event_id }) =>
    watchJob(db, feed, context, params.job_id, last_event_id, signal),
  ),
];

/**
 * What a Gateway is asked to end is written down before it is asked, so that a crash, or a database that fails in between, loses neither
 * the reason nor the audit event:
 *
 *   open     the ending stands in `gateway_endings`
 *   asked    the Gateway has answered; asked once more, it ends nothing twice
 *   settled  the index says who ended the sessions and why, the audit event is written, and the ending is gone: one transaction
 *
 * A request and a job settle their own. A job that goes on after a crash settles what it had left; the replica that follows the Gateway
 * settles what nobody else will.
 */
import { sql, type RawBuilder } from 'kysely';
import { LIVE_JOB_STATES } from '#contract/jobs.ts';
import type { NodeSessionRevokeRequest } from '#contract/node.ts';
import type { Session } from '#contract/iam.ts';
import { auditInsert } from '#server/audit/audit-store.ts';
import type { Database, Tx } from '#server/db/database.ts';
import { mutate, type Changed, type Mutation } from '#server/db/mutate.ts';
import type { CallContext } from '#server/http/call-context.ts';
import { ControlError } from '#server/http/control-error.ts';
import { REVOKE_AT_ONCE, type GatewayAdmin } from './gateway-admin.ts';
import { markGatewaySessionsEnded } from './gateway-session-store.ts';
import { findGatewaySession } from './session-list-store.ts';

/** What a person asked for in one request, to be recorded as theirs by whoever settles it. */
export interface EndingRequest {
  context: CallContext;
  mutation: Mutation;
  /** The one session that is to end; null: all of a tenant or of one of its end users. */
  session: Session | null;
}

export type Ending = {
  ending_id: string;
  environment: string;
  which: NodeSessionRevokeRequest;
  ended_reason: string;
  created_at: string;
} & ({ job_id: string; request: null } | { job_id: null; request: EndingRequest });

type NewEnding = Pick<Ending, 'environment' | 'which' | 'ended_reason'>;
type RequestEnding = Extract<Ending, { job_id: null }>;
type JobEnding = Extract<Ending, { request: null }>;

/** A Gateway has long answered by then, or will not. */
const LEFT_AFTER = sql.raw(`interval '15 seconds'`);
const LEFT_AT_ONCE = 20;
const COLUMNS = sql`ending_id, environment, which, ended_reason, job_id, request, created_at`;

/** Writes down what a request is about to ask a Gateway for. */
export async function openEnding(
  db: Database,
  { environment, which, ended_reason }: NewEnding,
  { context, mutation, session }: EndingRequest,
): Promise<RequestEnding> {
  const request = JSON.stringify({ context, mutation, session });
  const { rows } =
    await sql<RequestEnding>`insert into gateway_endings (environment, which, ended_reason, request)
    values (${environment}, ${JSON.stringify(which)}::jsonb, ${ended_reason}, ${request}::jsonb) returning ${COLUMNS}`.execute(
      db,
    );
  const [ending] = rows;
  if (!ending) throw new Error('The ending of a session was not written down.');
  return ending;
}

/** Writes down the next sessions that a job is about to end, of those that fit; answers none when none is left. */
export async function openBatch(
  db: Database,
  { environment, ended_reason, job_id }: Omit<NewEnding, 'which'> & { job_id: string },
  fits: RawBuilder<boolean>,
): Promise<JobEnding[]> {
  const { rows } = await sql<JobEnding>`/* planned for its values */
    insert into gateway_endings (environment, which, ended_reason, job_id)
    select ${environment}, jsonb_build_object('session_ids', jsonb_agg(gateway_session_id)), ${ended_reason}, ${job_id}::uuid
    from (select g.gateway_session_id from gateway_sessions g where ${fits} limit ${REVOKE_AT_ONCE}) batch having count(*) > 0
    returning ${COLUMNS}`.execute(db);
  return rows;
}

/** What a job of this environment had asked for, or was about to, when it was killed. */
export async function endingsOfJob(db: Database, job_id: string, environment: string): Promise<JobEnding[]> {
  const { rows } = await sql<JobEnding>`select ${COLUMNS} from gateway_endings
    where environment = ${environment} and job_id = ${job_id}::uuid order by created_at`.execute(db);
  return rows;
}

/** Records what a request has ended; answers as the request does. `answered`: how many ended, as the Gateway said. */
export async function settleRequest(
  db: Database,
  ending: RequestEnding,
  answered: number,
): Promise<EndedByRequest & { job_id: string }> {
  const { context, mutation } = ending.request;
  return mutate(db, context, mutation, async (tx) => {
    if (!(await takeEnding(tx, ending)))
      throw new ControlError('conflict', 'This was finished meanwhile by another replica; look again.');
    return endedBy(tx, ending, answered);
  });
}

interface EndedByRequest {
  session: Session | null;
  sessions_ended: number;
}

async function endedBy(tx: Tx, ending: RequestEnding, answered: number): Promise<Changed<EndedByRequest>> {
  const marked = await mark(tx, ending);
  const before = ending.request.session;
  if (before === null) {
    // Asked once more, a Gateway answers 0; the index may be a second behind it.
    const sessions_ended = Math.max(answered, marked.length);
    const [active, none] = [{ active_sessions: sessions_ended }, { active_sessions: 0 }];
    return { before: active, after: none, result: { session: null, sessions_ended } };
  }
  const session = (await findGatewaySession(tx, before.session_id, { all: true })) ?? before;
  return { before: shown(before), after: shown(session), result: { session, sessions_ended: 1 } };
}

const shown = ({ environment, tenant_id, end_user_id, state, ended_reason }: Session) => ({
  environment,
  tenant_id,
  end_user_id,
  state,
  ended_reason,
});

/** Records that the Gateway did not answer what a request asked. */
export async function recordUnanswered(db: Database, ending: RequestEnding, error: string): Promise<void> {
  const { context, mutation } = ending.request;
  const { action, target, tenant_id, environment, reason } = mutation;
  const details = { ...(mutation.details as object | undefined), error };
  const event = { action, outcome: 'failed', target, tenant_id, environment, reason, details } as const;
  await db.transaction().execute(async (tx) => {
    if (await takeEnding(tx, ending)) await auditInsert(context, event).execute(tx);
  });
}

/** Records what a job has ended; answers how many, or 0 when that was recorded before. */
export async function settleOfJob(db: Database, ending: JobEnding): Promise<number> {
  return db.transaction().execute(async (tx) => {
    if (!(await takeEnding(tx, ending))) return 0;
    const session_ids = await mark(tx, ending);
    await recordBatch(tx, ending.job_id, ending.environment, session_ids);
    return session_ids.length;
  });
}

/** The audit event of a batch: which sessions ended, by the executor on behalf of and for the reason of whoever started the job. */
export async function recordBatch(
  tx: Tx,
  job_id: string,
  environment: string | null,
  session_ids: readonly string[],
): Promise<void> {
  if (session_ids.length === 0) return;
  const details = JSON.stringify({ sessions: session_ids });
  await sql`insert into audit_events (actor_type, actor_label, on_behalf_of, action, outcome, target_type, target_id, environment, reason, details,
      request_id, trace_id, job_id)
    select 'system', 'job executor', created_by, 'iam.sessions.revoke', 'succeeded', target_type, target_id, ${environment}, reason, ${details}::jsonb,
      request_id, trace_id, job_id from jobs where job_id = ${job_id}::uuid`.execute(tx);
}

/** How many sessions a job has ended so far, by environment; null: those of operators. As the audit log has it, so no crash forgets any. */
export async function endedSoFar(db: Database, job_id: string): Promise<Map<string | null, number>> {
  const { rows } = await sql<{ environment: string | null; ended: number }>`
    select environment, sum(jsonb_array_length(details->'sessions'))::bigint as ended from audit_events
    where job_id = ${job_id}::uuid and action = 'iam.sessions.revoke' group by environment`.execute(db);
  return new Map(rows.map(({ environment, ended }) => [environment, ended]));
}

/** Asks the Gateway again for what requests left for long, and jobs that have ended, and settles it; answers how many endings. */
export async function settleLeftEndings(
  db: Database,
  gateway: GatewayAdmin,
  signal: AbortSignal,
): Promise<number> {
  const { rows: left } = await sql<Ending>`select ${COLUMNS} from gateway_endings e
    where environment = ${gateway.environment} and created_at < now() - ${LEFT_AFTER}
      and not exists (select from jobs where jobs.job_id = e.job_id and jobs.state = any(${[...LIVE_JOB_STATES]}::text[]))
    order by created_at limit ${LEFT_AT_ONCE}`.execute(db);
  for (const ending of left) {
    const request_id = ending.request?.context.request_id;
    const answered = await gateway.revokeSessions(ending.which, {
      signal,
      ...(request_id !== undefined && { request_id }),
    });
    await (ending.job_id === null ? settleLeftRequest(db, ending, answered) : settleOfJob(db, ending));
  }
  return left.length;
}

async function settleLeftRequest(db: Database, ending: RequestEnding, answered: number): Promise<void> {
  try {
    await settleRequest(db, ending, answered);
  } catch (error) {
    const code = error instanceof ControlError ? error.code : null;
    if (code === 'conflict') return;
    if (code !== 'idempotency_in_progress') throw error;
    // The caller has tried again with the same key, and that was recorded under it.
    const context = { ...ending.request.context, idempotency: null };
    await settleRequest(db, { ...ending, request: { ...ending.request, context } }, answered);
  }
}

/** Takes the ending out; false when somebody else has. Whoever took it records it. */
async function takeEnding(tx: Tx, { ending_id }: Ending): Promise<boolean> {
  const { numAffectedRows } =
    await sql`delete from gateway_endings where ending_id = ${ending_id}::uuid`.execute(tx);
  return numAffectedRows === 1n;
}

const mark = (tx: Tx, { environment, which, ended_reason, created_at }: Ending): Promise<string[]> =>
  markGatewaySessionsEnded(tx, { environment, which, ended_reason, since: created_at });

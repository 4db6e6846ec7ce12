/**
 * The job kind `iam.sessions.revoke_matching`. Sessions end in batches; each batch is a transaction with its audit event, and one that
 * has ended fits no more, so a step that is repeated after a crash goes on where it was. Sessions that open after a step began are left
 * alone: its start is when the step first began.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { sql, type RawBuilder } from 'kysely';
import type { Database, Tx } from '#server/db/database.ts';
import { defineJob, StepFailure, type JobDefinition, type StepContext } from '#server/jobs/job-definition.ts';
import { GatewayUnavailableError, REVOKE_AT_ONCE, type GatewayAdmin } from './gateway-admin.ts';
import { markGatewaySessionsEnded } from './gateway-session-store.ts';
import { controlCondition, gatewayCondition } from './session-filter-conditions.ts';
import { endingSteps, REVOKE_MATCHING, type RevokeMatchingRequest } from './session-ending-rules.ts';
import { SESSION_LIVE } from './session-rules.ts';

export type RevokeMatchingInput = RevokeMatchingRequest & {
  /** The session that has started it. */
  own_session_id: string | null;
  /** What the list says of the sessions afterwards. */
  ended_reason: string;
};

type Step = StepContext<RevokeMatchingInput>;

const EVERYWHERE = { all: true } as const;
const CONTROL_AT_ONCE = 500;
const FIRST_RETRY_MS = 500;
const LAST_RETRY_MS = 10_000;
const INDEX_LOOK_MS = 200;

export function revokeMatchingJob({
  db,
  gateways,
}: {
  db: Database;
  gateways: readonly GatewayAdmin[];
}): JobDefinition {
  const run = {
    control: (step: Step) => endControlSessions(db, step),
    gateway: (step: Step) => endGatewaySessions(db, gateways, step),
  };
  return defineJob<RevokeMatchingInput>({
    kind: REVOKE_MATCHING,
    permission: 'iam.sessions.revoke',
    steps: ({ filter }) =>
      endingSteps(filter).map(({ name, time_box_s }) => ({
        name,
        run: run[name],
        time_box_s,
        keeps: true as const,
        point_of_no_return: true as const,
      })),
    describeStuck: ({ filter }) =>
      `Not all sessions have ended at their Gateways (${Object.entries(filter)
        .map(([name, value]) => `${name} is ${value}`)
        .join(' and ')}); those that are left still open what they opened.`,
  });
}

async function endControlSessions(db: Database, step: Step): Promise<{ ended: number }> {
  const { filter, own_session_id, include_own, ended_reason } = step.input;
  const fits = controlCondition({ ...filter, state: 'live' }, EVERYWHERE) ?? sql<boolean>`false`;
  let ended = 0;
  const endBatch = async (whose: RawBuilder<boolean>): Promise<number> =>
    db.transaction().execute(async (tx) => {
      const { rows } = await sql<{
        session_id: string;
      }>`update sessions s set ended_at = now(), ended_reason = ${ended_reason}
        where session_id = any(array(select s.session_id from sessions s where ${fits} and ${whose}
          and s.created_at < ${step.started_at.toISOString()}::timestamptz limit ${CONTROL_AT_ONCE})) and ${SESSION_LIVE}
        returning session_id`.execute(tx);
      await recordBatch(
        tx,
        step,
        null,
        rows.map(({ session_id }) => session_id),
      );
      return rows.length;
    });
  const endAll = async (whose: RawBuilder<boolean>): Promise<void> => {
    for (;;) {
      const batch = await endBatch(whose);
      if (batch === 0) return;
      ended += batch;
      await step.progress({ ended });
    }
  };
  await endAll(sql`s.session_id is distinct from ${own_session_id}::uuid`);
  if (include_own && own_session_id !== null) await endAll(sql`s.session_id = ${own_session_id}::uuid`);
  return { ended };
}

/** Environment after environment; one whose Gateway is away is named and asked again until the time-box, after the others. */
async function endGatewaySessions(
  db: Database,
  gateways: readonly GatewayAdmin[],
  step: Step,
): Promise<{ ended: Record<string, number> }> {
  const ended: Record<string, number> = {};
  const waiting: Record<string, string> = {};
  const show = () => step.progress({ ended, waiting_for: waiting });
  const left = new Set(gateways);
  for (let wait = FIRST_RETRY_MS; left.size > 0; wait = Math.min(wait * 2, LAST_RETRY_MS)) {
    for (const gateway of left) {
      const { environment } = gateway;
      try {
        await endAtGateway(db, gateway, step, async (sessions) => {
          ended[environment] = (ended[environment] ?? 0) + sessions;
          delete waiting[environment];
          await show();
        });
        left.delete(gateway);
        delete waiting[environment];
      } catch (error) {
        if (!(error instanceof GatewayUnavailableError)) throw error;
        waiting[environment] = error.message;
      }
    }
    if (left.size === 0) break;
    await show();
    if (Date.now() + wait >= step.deadline.getTime())
      throw new StepFailure('gateway_unavailable', Object.values(waiting).join(' '));
    await pause(wait, undefined, { signal: step.signal });
  }
  await show();
  return { ended };
}

/** Ends what the index knows, until it has followed the Gateway beyond the start of the step and knows none that is left. */
async function endAtGateway(
  db: Database,
  gateway: GatewayAdmin,
  step: Step,
  onEnded: (sessions: number) => Promise<void>,
): Promise<void> {
  const { environment } = gateway;
  const { filter, ended_reason } = step.input;
  if (filter.environment !== undefined && filter.environment !== environment) return;
  const fits = gatewayCondition({ ...filter, environment, state: 'live' }, EVERYWHERE) ?? sql<boolean>`false`;
  const { signal, request_id } = step;
  for (;;) {
    signal.throwIfAborted();
    const { rows: watch } = await sql<{ caught_up: boolean; detail: string | null }>`
      select state = 'live' and observed_at > ${step.started_at.toISOString()}::timestamptz as caught_up, detail
      from gateway_session_watch where environment = ${environment}`.execute(db);
    const { rows } = await sql<{
      session_id: string;
      gateway_session_id: string;
    }>`/* planned for its values */
      select g.session_id, g.gateway_session_id from gateway_sessions g
      where ${fits} and g.created_at < ${step.started_at.toISOString()}::timestamptz limit ${REVOKE_AT_ONCE}`.execute(
      db,
    );
    if (rows.length > 0) {
      const ids = rows.map(({ gateway_session_id }) => gateway_session_id);
      await gateway.revokeSessions({ session_ids: ids }, { signal, request_id });
      const session_ids = rows.map(({ session_id }) => session_id);
      await db.transaction().execute(async (tx) => {
        await markGatewaySessionsEnded(tx, { environment, session_ids }, ended_reason);
        await recordBatch(tx, step, environment, session_ids);
      });
      await onEnded(rows.length);
    } else if (watch[0]?.caught_up) {
      return;
    } else {
      const detail = watch[0]?.detail;
      if (detail) throw new GatewayUnavailableError(environment, detail);
      await pause(INDEX_LOOK_MS, undefined, { signal });
    }
  }
}

/** The audit event of a batch: which sessions ended, by the executor on behalf of and for the reason of whoever started the job. */
async function recordBatch(
  tx: Tx,
  { job_id }: Step,
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

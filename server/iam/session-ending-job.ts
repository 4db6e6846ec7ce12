/**
 * The job kind `iam.sessions.revoke_matching`. Sessions end in batches, each with its audit event, and one that has ended fits no more, so a
 * step that is repeated after a crash goes on where it was. All that were open when a step first began end, by our own clock: of a Gateway's
 * session that is known only as far as the index was behind then, and one that may have been open ends too. What opens later is left alone.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { sql, type RawBuilder } from 'kysely';
import type { Database } from '#server/db/database.ts';
import { defineJob, StepFailure, type JobDefinition, type StepContext } from '#server/jobs/job-definition.ts';
import { GatewayUnavailableError, type GatewayAdmin } from './gateway-admin.ts';
import { endedSoFar, endingsOfJob, openBatch, recordBatch, settleOfJob } from './gateway-endings.ts';
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
  let ended = (await endedSoFar(db, step.job_id)).get(null) ?? 0;
  const endBatch = async (whose: RawBuilder<boolean>): Promise<number> =>
    db.transaction().execute(async (tx) => {
      const { rows } = await sql<{
        session_id: string;
      }>`update sessions s set ended_at = now(), ended_reason = ${ended_reason}
        where session_id = any(array(select s.session_id from sessions s where ${fits} and ${whose}
          and s.created_at < ${beginningOf(step)} limit ${CONTROL_AT_ONCE})) and ${SESSION_LIVE}
        returning session_id`.execute(tx);
      await recordBatch(
        tx,
        step.job_id,
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
  const soFar = await endedSoFar(db, step.job_id);
  const ended: Record<string, number> = Object.fromEntries(
    gateways.flatMap(({ environment }) => {
      const sessions = soFar.get(environment);
      return sessions === undefined ? [] : [[environment, sessions]];
    }),
  );
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
  const { job_id, signal, request_id } = step;
  const whose = sql<boolean>`${fits} and g.opened_after < ${beginningOf(step)}`;
  let batches = await endingsOfJob(db, job_id, environment);
  for (;;) {
    signal.throwIfAborted();
    for (const batch of batches) {
      await gateway.revokeSessions(batch.which, { signal, request_id });
      await onEnded(await settleOfJob(db, batch));
    }
    const { caught_up, detail } = await readWatch(db, step, environment);
    batches = await openBatch(db, { environment, ended_reason, job_id }, whose);
    if (batches.length > 0) continue;
    if (caught_up) return;
    if (detail !== null) throw new GatewayUnavailableError(environment, detail);
    await pause(INDEX_LOOK_MS, undefined, { signal });
  }
}

/** Whether the index has all that the Gateway had when the step began, and what keeps it from that. */
async function readWatch(
  db: Database,
  step: Step,
  environment: string,
): Promise<{ caught_up: boolean; detail: string | null }> {
  const { rows } = await sql<{ caught_up: boolean | null; detail: string | null }>`
    select observed_at > ${beginningOf(step)} as caught_up, detail from gateway_session_watch where environment = ${environment}`.execute(
    db,
  );
  return { caught_up: rows[0]?.caught_up ?? false, detail: rows[0]?.detail ?? null };
}

/** The step began before this: its time is cut to whole milliseconds. */
const beginningOf = ({ started_at }: Step): RawBuilder<string> =>
  sql`${new Date(started_at.getTime() + 1).toISOString()}::timestamptz`;

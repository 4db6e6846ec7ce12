/** Detections as an administrator sees, acknowledges and resolves them. */
import { sql, type RawBuilder } from 'kysely';
import type { Page } from '#contract/common.ts';
import {
  DETECTION_ACTIONS,
  type Detection,
  type DetectionAction,
  type DetectionState,
} from '#contract/iam/detections.ts';
import type { Database, Tx } from '#server/db/database.ts';
import { mutate } from '#server/db/mutate.ts';
import { principalOf, type CallContext } from '#server/http/call-context.ts';
import { ControlError, notFound } from '#server/http/control-error.ts';
import { boundedTotal, keysetPage, pageOf, TOTAL_BOUND, type ListRequest } from '#server/http/cursor.ts';
import { summaryOf } from './detection-rules.ts';
import { SESSION_LIVE } from './session-rules.ts';
import { containing, startingWith } from './search-patterns.ts';

export interface DetectionFilter extends ListRequest {
  kind?: Detection['kind'] | undefined;
  state?: DetectionState | 'unresolved' | undefined;
  user_id?: string | undefined;
  from?: string | undefined;
  to?: string | undefined;
  q?: string | undefined;
}

type DetectionRow = Omit<Detection, 'summary'>;

const COLUMNS = sql`d.detection_id, d.kind, d.subject_type, d.subject_id, d.subject_label, d.user_id, u.email as user_email,
  u.display_name as user_name, u.status as user_status,
  (select count(*)::int from sessions s where s.user_id = d.user_id and s.pending is null and ${SESSION_LIVE}) as user_session_count, d.ip,
  d.state, d.count, d.measured, d.threshold, d.window_s, d.details, d.first_seen_at, d.last_seen_at,
  d.acknowledged_at, d.acknowledged_by, d.resolved_at, d.resolved_by, d.reason`;
const FROM = sql`detections d left join users u on u.user_id = d.user_id`;

const told = (row: DetectionRow): Detection => ({ ...row, summary: summaryOf(row) });

/** A page of detections that fit the filter; `from` and `to` bound when each was seen last. */
export async function listDetections(db: Database, filter: DetectionFilter): Promise<Page<Detection>> {
  const columns = {
    last_seen_at: { column: sql`d.last_seen_at`, type: 'timestamptz' },
    first_seen_at: { column: sql`d.first_seen_at`, type: 'timestamptz' },
  } as const;
  const page = keysetPage(filter, columns, { column: sql`d.detection_id`, type: 'uuid' }, '-last_seen_at');
  const where = conditionOf(filter);
  const [rows, total] = await Promise.all([
    sql<DetectionRow>`select ${COLUMNS} from ${FROM} where ${where} and ${page.condition}
      order by ${page.orderBy} limit ${page.limit + 1}`.execute(db),
    sql<{
      count: number;
    }>`select count(*) from (select from ${FROM} where ${where} limit ${TOTAL_BOUND + 1}) counted`.execute(
      db,
    ),
  ]);
  const key = page.sort.endsWith('first_seen_at') ? 'first_seen_at' : 'last_seen_at';
  return {
    ...pageOf(rows.rows.map(told), page, (row) => [row[key], row.detection_id]),
    total: boundedTotal(total.rows[0]?.count ?? 0),
  };
}

function conditionOf({ kind, state, user_id, from, to, q }: DetectionFilter): RawBuilder<unknown> {
  const conditions: RawBuilder<unknown>[] = [sql`true`];
  if (kind) conditions.push(sql`d.kind = ${kind}`);
  if (state) conditions.push(state === 'unresolved' ? sql`d.state <> 'resolved'` : sql`d.state = ${state}`);
  if (user_id) conditions.push(sql`d.user_id = ${user_id}::uuid`);
  if (from) conditions.push(sql`d.last_seen_at >= ${from}::timestamptz`);
  if (to) conditions.push(sql`d.last_seen_at < ${to}::timestamptz`);
  if (q)
    conditions.push(
      sql`(d.subject_label ilike ${containing(q)} or u.email ilike ${containing(q)} or d.ip like ${startingWith(q)})`,
    );
  return sql.join(conditions, sql` and `);
}

/** One detection. */
export async function readDetection(db: Database, detectionId: string): Promise<Detection> {
  const { rows } =
    await sql<DetectionRow>`select ${COLUMNS} from ${FROM} where d.detection_id = ${detectionId}::uuid`.execute(
      db,
    );
  const [row] = rows;
  if (!row) throw notFound('detection', detectionId);
  return told(row);
}

/** Acknowledges or resolves a detection, with what the person who does it says. */
export async function settleDetection(
  db: Database,
  context: CallContext,
  action: DetectionAction,
  detectionId: string,
  reason: string,
): Promise<{ job_id: string; detection: Detection }> {
  const { label } = principalOf(context);
  return mutate(
    db,
    context,
    {
      action: `iam.detections.${action}`,
      title: `${action === 'resolve' ? 'Resolve' : 'Acknowledge'} detection ${detectionId}`,
      permission: 'iam.detections.resolve',
      target: { type: 'detection', id: detectionId },
      reason,
    },
    async (tx) => {
      await sql`select 1 from detections where detection_id = ${detectionId}::uuid for update`.execute(tx);
      const before = await readDetection(tx, detectionId);
      const { from, to } = DETECTION_ACTIONS[action];
      if (!(from as readonly DetectionState[]).includes(before.state))
        throw new ControlError('action_not_allowed', `This detection is ${before.state} already.`);
      await writeState(tx, detectionId, to, label, reason);
      const detection = await readDetection(tx, detectionId);
      return { before: shown(before), after: shown(detection), result: { detection } };
    },
  );
}

async function writeState(
  tx: Tx,
  detectionId: string,
  state: 'acknowledged' | 'resolved',
  by: string,
  reason: string,
): Promise<void> {
  const now = sql<string>`now()`;
  await tx
    .updateTable('detections')
    .set(
      state === 'resolved'
        ? { state, reason, resolved_at: now, resolved_by: by }
        : { state, reason, acknowledged_at: now, acknowledged_by: by },
    )
    .where('detection_id', '=', detectionId)
    .execute();
}

const shown = ({ kind, subject_label, state, count, measured, threshold, reason }: Detection) => ({
  kind,
  subject_label,
  state,
  count,
  measured,
  threshold,
  reason,
});

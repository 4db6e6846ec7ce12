/** Requests, decisions and comments as rows. A request that waited too long is expired by the database's clock, written or not. */
import { sql, type RawBuilder } from 'kysely';
import type {
  Approval,
  ApprovalListItem,
  ApprovalState,
  ApprovalView,
  Requirement,
} from '#contract/approvals.ts';
import type { Page } from '#contract/common.ts';
import type { Plan } from '#contract/jobs.ts';
import type { Database, Tx } from '#server/db/database.ts';
import { allowedScopes, mayDo, type Principal } from '#server/http/call-context.ts';
import { notFound } from '#server/http/control-error.ts';
import {
  boundedTotal,
  keysetPage,
  pageOf,
  scopeCondition,
  TOTAL_BOUND,
  type ListRequest,
} from '#server/http/cursor.ts';

type Stored = Omit<ApprovalListItem, 'requirements'> & { requirements: Requirement[] };
export interface ApprovalRow
  extends Stored, Pick<Approval, 'plan' | 'policies' | 'ended_detail' | 'ended_by' | 'drift'> {
  call: { params: unknown; body: unknown; if_match: number };
  plan: Plan;
  plan_hash: string;
  token_id: string | null;
  contributor_ids: string[];
}
export interface Decision {
  user_id: string;
  label: string;
  decision: 'approved' | 'rejected';
  roles: string[];
  comment: string | null;
  decided_at: string;
}

const state = sql`case when outside.state = 'waiting' and outside.expires_at <= now() then 'expired' else outside.state end`;
const item = sql`outside.approval_id, outside.operation, outside.title, outside.environment, outside.tenant_id,
  json_build_object('type', outside.target_type, 'id', outside.target_id) as target, ${state} as state, outside.void_reason,
  outside.requester_id, outside.requester, outside.reason, outside.requirements, outside.job_id, outside.created_at, outside.expires_at,
  case when outside.state = 'waiting' and outside.expires_at <= now() then outside.expires_at else outside.ended_at end as ended_at`;
const whole = sql`${item}, outside.call, outside.plan, outside.plan_hash, outside.policies, outside.token_id, outside.contributor_ids,
  outside.ended_detail, outside.ended_by, outside.drift`;

/** One request; `not_found` when there is none. */
export async function readApproval(db: Database, approval_id: string): Promise<ApprovalRow> {
  const { rows } =
    await sql<ApprovalRow>`select ${whole} from approval_requests outside where approval_id = ${approval_id}::uuid`.execute(
      db,
    );
  const [found] = rows;
  if (!found) throw notFound('request for approval', approval_id);
  return found;
}

/** The same, held until the transaction ends: decisions on one request come one after the other. */
export async function lockApproval(tx: Tx, approval_id: string): Promise<ApprovalRow> {
  await sql`select from approval_requests where approval_id = ${approval_id}::uuid for update`.execute(tx);
  return readApproval(tx, approval_id);
}

export async function readDecisions(
  db: Database,
  approvalIds: readonly string[],
): Promise<(Decision & { approval_id: string })[]> {
  const { rows } = await sql<
    Decision & { approval_id: string }
  >`select approval_id, user_id, label, decision, roles, comment, decided_at
    from approval_decisions where approval_id = any(${approvalIds}::uuid[]) order by decided_at`.execute(db);
  return rows;
}

export async function readComments(db: Database, approval_id: string): Promise<Approval['comments']> {
  const { rows } = await sql<
    Approval['comments'][number]
  >`select comment_id, user_id, label, comment, created_at
    from approval_comments where approval_id = ${approval_id}::uuid order by created_at, comment_id`.execute(
    db,
  );
  return rows;
}

/** Whether the principal may see the request: it is theirs, or they hold `approvals.view` where it acts. */
export const maySee = (
  principal: Principal,
  { requester_id, tenant_id, environment }: Pick<ApprovalRow, 'requester_id' | 'tenant_id' | 'environment'>,
): boolean =>
  requester_id === principal.user_id || mayDo(principal, 'approvals.view', { tenant_id, environment });

/** What waits for this principal: they hold a role that it names where it acts, had no part in it and have not decided yet. */
function waitingFor(principal: Principal): RawBuilder<boolean> {
  const grants = JSON.stringify(
    principal.grants.map(({ role_id, tenant_id, environment }) => ({ role_id, tenant_id, environment })),
  );
  return sql<boolean>`outside.state = 'waiting' and outside.expires_at > now()
    and ${principal.user_id}::uuid <> all(outside.contributor_ids) and ${scopeCondition(allowedScopes(principal, 'approvals.decide'))}
    and exists (select from jsonb_to_recordset(${grants}::jsonb) as held(role_id text, tenant_id text, environment text)
      where held.role_id = any(outside.role_ids) and (held.tenant_id is null or held.tenant_id = outside.tenant_id)
        and (held.environment is null or held.environment = outside.environment))
    and not exists (select from approval_decisions d where d.approval_id = outside.approval_id and d.user_id = ${principal.user_id}::uuid)`;
}

export interface ApprovalFilter extends ListRequest {
  view?: ApprovalView | undefined;
  state?: ApprovalState | undefined;
  operation?: string | undefined;
  environment?: string | undefined;
  job_id?: string | undefined;
}

/** A page of what the principal may see, newest first. */
export async function listApprovalRows(
  db: Database,
  principal: Principal,
  filter: ApprovalFilter,
): Promise<Page<Stored & { contributor_ids: string[] }>> {
  const created_at = { column: sql`outside.created_at`, type: 'timestamptz' } as const;
  const page = keysetPage(
    filter,
    { created_at },
    { column: sql`outside.approval_id`, type: 'uuid' },
    '-created_at',
  );
  const mine = sql<boolean>`outside.requester_id = ${principal.user_id}::uuid`;
  const conditions = [
    sql<boolean>`(${mine} or ${scopeCondition(allowedScopes(principal, 'approvals.view'))})`,
    ...(filter.view === 'mine' ? [mine] : []),
    ...(filter.view === 'waiting_for_me' ? [waitingFor(principal)] : []),
    ...(filter.state ? [sql<boolean>`${state} = ${filter.state}`] : []),
    ...(filter.job_id ? [sql<boolean>`outside.job_id = ${filter.job_id}::uuid`] : []),
    ...(['operation', 'environment'] as const).flatMap((column) =>
      filter[column] ? [sql<boolean>`${sql.ref(`outside.${column}`)} = ${filter[column]}`] : [],
    ),
  ];
  const where = sql.join(conditions, sql` and `);
  const [rows, total] = await Promise.all([
    sql<
      Stored & { contributor_ids: string[] }
    >`select ${item}, outside.contributor_ids from approval_requests outside where ${where} and ${page.condition}
      order by ${page.orderBy} limit ${page.limit + 1}`.execute(db),
    sql<{
      count: number;
    }>`select count(*) from (select from approval_requests outside where ${where} limit ${TOTAL_BOUND + 1}) counted`.execute(
      db,
    ),
  ]);
  return {
    ...pageOf(rows.rows, page, (row) => [row.created_at, row.approval_id]),
    total: boundedTotal(total.rows[0]?.count ?? 0),
  };
}

export interface Ending {
  state: Exclude<ApprovalState, 'waiting' | 'expired'>;
  ended_by: string;
  void_reason?: Approval['void_reason'];
  ended_detail?: string | null;
  drift?: Approval['drift'];
  job_id?: string;
}

/** Ends a request that waits. */
export async function endApproval(tx: Tx, approval_id: string, ending: Ending): Promise<void> {
  await sql`update approval_requests set state = ${ending.state}, void_reason = ${ending.void_reason ?? null}, ended_by = ${ending.ended_by},
      ended_detail = ${ending.ended_detail ?? null}, drift = ${JSON.stringify(ending.drift ?? [])}::jsonb, job_id = ${ending.job_id ?? null}::uuid, ended_at = now()
    where approval_id = ${approval_id}::uuid and state = 'waiting'`.execute(tx);
}

export async function addDecision(
  tx: Tx,
  approval_id: string,
  { user_id, label, decision, roles, comment }: Omit<Decision, 'decided_at'>,
): Promise<void> {
  await sql`insert into approval_decisions (approval_id, user_id, label, decision, roles, comment)
    values (${approval_id}::uuid, ${user_id}::uuid, ${label}, ${decision}, ${roles}::text[], ${comment})`.execute(
    tx,
  );
}

/**
 * Evens out the shards of a service by migrations of single tenants. Each is a job of its own, with its own checks, lock, undo and audit
 * events; this one begins them, few at a time on a node, and waits. A move that fails is undone by itself and the others go on, up to a
 * limit. Its children are found again after a crash: there is at most one a tenant.
 */
import { sql } from 'kysely';
import { readChildJobs, startChildJob } from '#server/jobs/child-jobs.ts';
import { untilDatabaseAnswers } from '#server/jobs/job-journal.ts';
import {
  defineJob,
  StepFailure,
  type JobDefinition,
  type StepContext,
  type StepDefinition,
} from '#server/jobs/job-definition.ts';
import { planOf } from '#server/jobs/plan-rules.ts';
import { constraintOf, UNIQUE_VIOLATION } from '#server/db/database.ts';
import { ControlError } from '#server/http/control-error.ts';
import { MIGRATE_TENANT, type MigrateTenantInput } from './migrate-tenant-job.ts';
import { readMigrationFacts } from './migration-facts.ts';
import { holdTenant } from './migration-service.ts';
import { passChecks } from './job-site.ts';
import { CHECK_TIMEOUT_S, planMigrationDraft } from './placement-rules.ts';
import { pollUntil } from './placement-steps.ts';
import { readRebalanceFacts } from './rebalance-facts.ts';
import { standingChecks, type RebalanceInput } from './rebalance-plan-rules.ts';
import { judgeMoves, roundsOf, type MoveProgress, type PlacedMove } from './rebalance-progress-rules.ts';
import type { ScaleDependencies } from './scale-settings.ts';

export const REBALANCE_SHARDS = 'rebalance_shards';

type Step = StepContext<RebalanceInput>;

/** The job kind `rebalance_shards`. */
export function rebalanceJob(dependencies: ScaleDependencies): JobDefinition {
  const { db } = dependencies;

  async function checkNodes(step: Step): Promise<void> {
    const { moves, holders } = step.input;
    const facts = await readRebalanceFacts(dependencies, step.input, step.request_id, step.job_id);
    await passChecks(
      step,
      standingChecks(
        facts,
        moves.flatMap(({ to }) => holders[to] ?? []),
      ),
    );
  }

  async function move(step: Step) {
    /** Why a move did not become a job; asked anew after a crash, since it changed nothing. */
    const refused = new Map<string, string>();
    let progress: MoveProgress | undefined;
    await pollUntil(
      step,
      async () => {
        const children = await untilDatabaseAnswers(() => readChildJobs(db, step.job_id));
        progress = judgeMoves(step.input, children, refused);
        for (const next of progress.next) {
          step.signal.throwIfAborted();
          const refusal = await beginMove(step, next);
          if (refusal !== null) refused.set(next.tenant_id, refusal);
        }
        return {
          done: progress.ended,
          figures: figuresOf(progress, (Date.now() - step.started_at.getTime()) / 1000),
        };
      },
      () =>
        new StepFailure(
          'moves_unfinished',
          `${progress?.left.length ?? 0} moves were not begun and ${progress?.in_flight.length ?? 0} not finished in time.`,
        ),
    );
    return outcomeOf(step.input, progress as MoveProgress);
  }

  /** Starts the migration of one tenant; answers why not, when it may not be moved now. */
  async function beginMove(step: Step, { tenant_id, from, to, epoch }: PlacedMove): Promise<string | null> {
    const { environment, service } = step.input;
    const request = { environment, tenant_id, service, target_shard: to };
    try {
      const facts = await readMigrationFacts(dependencies, request, step.request_id);
      const { record } = facts.placement;
      if (record.shard !== from || record.epoch !== epoch)
        return `It is on ${record.shard} at epoch ${record.epoch}, no longer on ${from} at ${epoch}.`;
      const draft = planMigrationDraft(facts);
      const plan = planOf(draft, new Date());
      if (plan.blockers.length > 0) return plan.blockers.map(({ message }) => message).join(' ');
      const input: MigrateTenantInput = { ...draft.input, previous_status: facts.tenant.status };
      const child = {
        action: 'scale.migrations.start',
        title: plan.title,
        permission: 'scale.migrate',
        tenant_id,
        run: { kind: MIGRATE_TENANT, input, plan, steps: plan.steps },
      };
      await startChildJob(db, step.job_id, child, (tx) => holdTenant(tx, facts.tenant, 'migrate'));
      return null;
    } catch (error) {
      if (error instanceof ControlError) return error.message;
      const violation = constraintOf(error);
      if (violation?.code !== UNIQUE_VIOLATION) throw error;
      // It has its job already: one that lost its lease of this step began it. The next look finds it.
      return violation.constraint === 'jobs_child' ? null : `Another job holds ${tenant_id}.`;
    }
  }

  /** Begins nothing more, and waits for what is in flight. */
  async function letMovesEnd(step: Step): Promise<void> {
    let progress: MoveProgress | undefined;
    await pollUntil(
      step,
      async () => {
        const children = await readChildJobs(db, step.job_id);
        progress = judgeMoves(step.input, children, new Map());
        return { done: progress.in_flight.length === 0, figures: figuresOf(progress, 0) };
      },
      () =>
        new StepFailure(
          'moves_unfinished',
          `${progress?.in_flight.length ?? 0} moves are still in flight: ${progress?.in_flight.map(({ tenant_id }) => tenant_id).join(', ') ?? ''}.`,
        ),
    );
  }

  /** Waits until the index shows every move that was made, so that the lists agree with the job's result. */
  async function verify(step: Step): Promise<void> {
    const { environment, service } = step.input;
    const { moved } = step.outputs['move'] as { moved: PlacedMove[] };
    let behind = moved.length;
    await pollUntil(
      step,
      async () => {
        const { rows } = await sql<{ behind: number }>`select count(*) as behind
          from jsonb_to_recordset(${JSON.stringify(moved)}::jsonb) as moved(tenant_id text, epoch integer)
          left join placement_index placed on placed.tenant_id = moved.tenant_id
            and placed.environment = ${environment} and placed.service = ${service}
          where coalesce(placed.epoch, 0) <= moved.epoch`.execute(db);
        behind = rows[0]?.behind ?? 0;
        return { done: behind === 0, figures: { moved: moved.length, not_in_index: behind } };
      },
      () => new StepFailure('index_behind', `The placement index does not show ${behind} of the moves yet.`),
    );
  }

  const steps = (input: RebalanceInput): StepDefinition<RebalanceInput>[] => [
    { name: 'check', run: checkNodes, time_box_s: CHECK_TIMEOUT_S },
    {
      name: 'move',
      run: move,
      undo: letMovesEnd,
      keeps: true,
      time_box_s: Math.max(1, roundsOf(input)) * input.move_timeout_s,
    },
    { name: 'verify', run: verify, time_box_s: input.ack_timeout_s },
  ];

  return defineJob<RebalanceInput>({
    kind: REBALANCE_SHARDS,
    permission: 'scale.migrate',
    steps,
    describeStuck: ({ environment }, step) =>
      step === 'move'
        ? `Moves of the rebalance of ${environment} are still in flight; each is a job of its own and ends by itself or is stuck there.`
        : `The rebalance of ${environment} does not get through ${step}.`,
  });
}

/** What an operator follows while moves are made. */
function figuresOf({ moved, in_flight, failed, left }: MoveProgress, seconds: number) {
  const rate = seconds > 0 ? moved.length / seconds : 0;
  const total = moved.length + in_flight.length + failed.length + left.length;
  return {
    total,
    moved: moved.length,
    left: left.length,
    in_flight: in_flight.map(({ tenant_id, from, to, job_id }) => ({ tenant_id, from, to, job_id })),
    failed,
    eta_s: rate > 0 ? Math.round((left.length + in_flight.length) / rate) : null,
  };
}

/** What the step leaves for the result. Throws StepFailure `too_many_failures`; what has moved stays. */
function outcomeOf({ max_failed_moves }: RebalanceInput, { moved, failed, left }: MoveProgress) {
  if (failed.length < max_failed_moves) return { moved, failed };
  const total = moved.length + failed.length + left.length;
  const reasons = failed.map(({ tenant_id, problem }) => `${tenant_id}: ${problem}`).join(' ');
  throw new StepFailure(
    'too_many_failures',
    `${failed.length} of ${total} moves failed, so no more are begun; ${moved.length} were made and stay. ${reasons}`,
  );
}

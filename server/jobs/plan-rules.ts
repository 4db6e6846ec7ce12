/** Pure: turns what a domain wants to do into a plan that can be approved by its hash, and compares two plans. */
import { createHash } from 'node:crypto';
import canonicalize from 'canonicalize';
import type { Change, Plan, PlanDraft } from '#contract/jobs.ts';

/** How long a plan may be read before it has to be made again. */
export const PLAN_VALID_MS = 5 * 60_000;

/** What an operator approves: everything but live figures, estimates and times. See `Plan` in the contract. */
function approved(draft: PlanDraft): Record<string, unknown> {
  const { kind, environment, target, input, changes, revisions, rollback } = draft;
  const { people, ...blast_radius } = draft.blast_radius;
  const named = draft.checks
    .filter((check) => check.level !== 'ok')
    .map(({ code, level, subject }) => ({ code, level, subject }));
  const steps = draft.steps.map(({ name, title, undo_title, point_of_no_return, time_box_s }) => ({
    name,
    title,
    undo_title,
    point_of_no_return,
    time_box_s,
  }));
  return {
    kind,
    environment,
    target,
    input,
    steps,
    changes,
    findings: named,
    blast_radius,
    revisions,
    rollback,
  };
}

/** sha-256 (hex) of the RFC 8785 canonical form. */
export const canonicalHash = (value: unknown): string =>
  createHash('sha256')
    .update(canonicalize(value) ?? 'null')
    .digest('hex');

export function planOf(draft: PlanDraft, now: Date): Plan {
  return {
    ...draft,
    blockers: draft.checks.filter((check) => check.level === 'blocker'),
    warnings: draft.checks.filter((check) => check.level === 'warning'),
    plan_hash: canonicalHash(approved(draft)),
    created_at: now.toISOString(),
    expires_at: new Date(now.getTime() + PLAN_VALID_MS).toISOString(),
  };
}

/** What moved between the plan that was read and the one made now, by the part of the plan. */
export function planDrift(old: PlanDraft, fresh: PlanDraft): Change[] {
  const before = approved(old);
  const after = approved(fresh);
  return Object.keys(after)
    .filter((path) => canonicalize(before[path]) !== canonicalize(after[path]))
    .map((path) => ({ path, before: before[path], after: after[path] }));
}

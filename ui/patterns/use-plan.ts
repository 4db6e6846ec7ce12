/** The plan that a dialog shows: made when it opens, when the choices change and when the person asks; held until it expires. */
import { useCallback, useEffect, useRef, useState } from 'react';
import type { Change, Plan } from '#contract/jobs.ts';
import { isQuiet, ProblemError } from '#ui/api/errors.ts';

export type MakePlan = (signal: AbortSignal) => Promise<Plan>;
export type StartPlan = (input: {
  plan_hash: string;
  reason: string;
}) => Promise<{ job_id: string; approval_id?: string }>;

export interface Drift {
  changes: readonly Change[];
  plan: Plan;
}

interface HeldPlan {
  plan: Plan;
  /** When it stops being valid, by this browser's clock: the server's clock may differ, the length of its validity does not. */
  deadline: number;
  wanted: string;
}

export interface Planned {
  held: HeldPlan | null;
  /** False when the held plan is one of earlier choices. */
  current: boolean;
  planning: boolean;
  /** Why there is no plan for the choices, or why its start was refused. */
  error: unknown;
  /** The world moved between plan and start. */
  drift: Drift | null;
  replan: () => void;
  take: (plan: Plan) => void;
  /** Takes in why a start was refused. */
  refuse: (error: unknown) => void;
}

export const lifetime = (plan: Plan): number => Date.parse(plan.expires_at) - Date.parse(plan.created_at);

/** What a refused start says about the drift; null when it was refused for another reason. */
function driftOf(error: unknown): Drift | null {
  if (!(error instanceof ProblemError) || error.code !== 'plan_drifted') return null;
  const { changes, plan } = (error.problem.details ?? {}) as Partial<Drift>;
  return plan ? { changes: changes ?? [], plan } : null;
}

/** `choices` names what is planned: another value plans anew. Without `makePlan` there is nothing to plan yet. */
export function usePlan(makePlan: MakePlan | null, choices: string): Planned {
  const [attempt, setAttempt] = useState(0);
  const wanted = `${attempt} ${choices}`;
  const [held, setHeld] = useState<HeldPlan | null>(null);
  const [failure, setFailure] = useState<{ wanted: string; error: unknown } | null>(null);
  const [drift, setDrift] = useState<(Drift & { wanted: string }) | null>(null);
  const latest = useRef(makePlan);
  useEffect(() => {
    latest.current = makePlan;
  });
  const take = useCallback(
    (plan: Plan) => {
      setHeld({ plan, deadline: Date.now() + lifetime(plan), wanted });
      setFailure(null);
      setDrift(null);
    },
    [wanted],
  );

  const possible = makePlan !== null;
  useEffect(() => {
    if (!possible) return undefined;
    const controller = new AbortController();
    const { signal } = controller;
    const read = async () => {
      try {
        const plan = await latest.current?.(signal);
        if (plan && !signal.aborted) take(plan);
      } catch (error) {
        if (!signal.aborted && !isQuiet(error)) setFailure({ wanted, error });
      }
    };
    void read();
    return () => controller.abort();
  }, [possible, wanted, take]);

  const current = possible && held?.wanted === wanted;
  const error = failure?.wanted === wanted ? failure.error : null;
  return {
    held,
    current,
    planning: possible && !current && error === null,
    error,
    drift: drift?.wanted === wanted ? drift : null,
    replan: () => setAttempt(attempt + 1),
    take,
    refuse: (refused) => {
      const drifted = driftOf(refused);
      if (drifted) setDrift({ ...drifted, wanted });
      else if (!isQuiet(refused)) setFailure({ wanted, error: refused });
    },
  };
}

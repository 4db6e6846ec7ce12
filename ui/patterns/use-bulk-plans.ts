/**
 * The same operation on several things, each with a plan and a job of its own, one after another. States of an item:
 *
 *     planning → planned → waiting → running → ended
 *        ↓          ↓         ↓
 *     unplanned  blocked   refused, or left when one before it did not succeed
 *
 * Right before its turn an item is planned again: what was read is started, or nothing is.
 */
import { useCallback, useEffect, useRef, useState } from 'react';
import { getJob, type Job, type Plan } from '#contract/jobs.ts';
import { call } from '#ui/api/client.ts';
import { isQuiet } from '#ui/api/errors.ts';
import { isLiveJob } from '#ui/api/job-events.ts';

export interface BulkItem {
  id: string;
  plan: (signal: AbortSignal) => Promise<Plan>;
  start: (approved: { plan_hash: string; reason: string }) => Promise<{ job_id: string }>;
}

export type BulkState =
  | { state: 'planning' }
  | { state: 'unplanned'; error: unknown }
  | { state: 'planned'; plan: Plan }
  | { state: 'waiting'; plan: Plan }
  | { state: 'running'; plan: Plan; job_id: string; job: Job | null }
  | { state: 'ended'; plan: Plan; job_id: string; job: Job }
  | { state: 'refused'; plan: Plan; error: unknown }
  | { state: 'changed'; plan: Plan }
  | { state: 'left'; plan: Plan };

export interface BulkPlans {
  states: ReadonlyMap<string, BulkState>;
  phase: 'planning' | 'planned' | 'running' | 'over';
  /** Starts every item whose plan has no blocker, in turn, until one does not succeed. */
  run: (reason: string) => void;
  /** Lets the one that runs end, and starts no more. */
  stop: () => void;
  stopping: boolean;
}

const POLL_MS = 1_000;
const PLANNING: BulkState = { state: 'planning' };

const pause = (signal: AbortSignal) =>
  new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, POLL_MS);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });

export const isStartable = (state: BulkState | undefined): state is BulkState & { state: 'planned' } =>
  state?.state === 'planned' && state.plan.blockers.length === 0;

export function useBulkPlans(items: readonly BulkItem[]): BulkPlans {
  const [states, setStates] = useState<ReadonlyMap<string, BulkState>>(
    () => new Map(items.map(({ id }) => [id, PLANNING])),
  );
  const [phase, setPhase] = useState<BulkPlans['phase']>('planning');
  const [stopping, setStopping] = useState(false);
  const stopped = useRef(false);
  const given = useRef(items);
  const closed = useRef<AbortController | null>(null);
  const set = useCallback(
    (id: string, state: BulkState) => setStates((before) => new Map(before).set(id, state)),
    [],
  );

  useEffect(() => {
    const controller = new AbortController();
    closed.current = controller;
    const { signal } = controller;
    const planAll = async () => {
      for (const { id, plan } of given.current) {
        try {
          set(id, { state: 'planned', plan: await plan(signal) });
        } catch (error) {
          if (signal.aborted || isQuiet(error)) return;
          set(id, { state: 'unplanned', error });
        }
      }
      setPhase('planned');
    };
    void planAll();
    return () => controller.abort();
  }, [set]);

  /** Runs one item to the end of its job; false when it did not succeed. */
  const runOne = async (
    item: BulkItem,
    plan: Plan,
    reason: string,
    signal: AbortSignal,
  ): Promise<boolean> => {
    try {
      const now = await item.plan(signal);
      if (now.plan_hash !== plan.plan_hash) {
        set(item.id, { state: 'changed', plan: now });
        return false;
      }
      const { job_id } = await item.start({ plan_hash: plan.plan_hash, reason });
      set(item.id, { state: 'running', plan, job_id, job: null });
      while (!signal.aborted) {
        const { data: job } = await call(getJob, { params: { job_id }, signal });
        if (!isLiveJob(job) || job.state === 'stuck') {
          set(item.id, { state: 'ended', plan, job_id, job });
          return job.state === 'succeeded';
        }
        set(item.id, { state: 'running', plan, job_id, job });
        await pause(signal);
      }
      return false;
    } catch (error) {
      if (!signal.aborted) set(item.id, { state: 'refused', plan, error });
      return false;
    }
  };

  const run = (reason: string) => {
    const signal = closed.current?.signal;
    if (!signal || phase !== 'planned') return;
    const queue = given.current.flatMap((item) => {
      const state = states.get(item.id);
      return isStartable(state) ? [{ item, plan: state.plan }] : [];
    });
    setPhase('running');
    for (const { item, plan } of queue) set(item.id, { state: 'waiting', plan });
    const runAll = async () => {
      let goesOn = true;
      for (const { item, plan } of queue) {
        if (goesOn && !stopped.current) goesOn = await runOne(item, plan, reason, signal);
        else set(item.id, { state: 'left', plan });
        if (signal.aborted) return;
      }
      setPhase('over');
    };
    void runAll();
  };
  const stop = () => {
    stopped.current = true;
    setStopping(true);
  };
  return { states, phase, run, stop, stopping };
}

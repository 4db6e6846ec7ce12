/**
 * Marks on dashboards when a rollout began, finished or failed. Jobs know nothing of it: every replica looks for their events, and the lock
 * on a row keeps two of them from the same mark. A mark that was written and not noted, because the replica died, is found by its tags.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { Counter, type Registry } from 'prom-client';
import type { Database } from '#server/db/database.ts';
import type { Annotation } from './annotation-sink.ts';
import type { ObservabilityDependencies, ObservedEnvironment } from './observability-settings.ts';
import {
  lockDueAnnotation,
  noteRolloutEvents,
  settleAnnotation,
  type DueAnnotation,
} from './rollout-annotation-store.ts';

const EVERY_MS = 5_000;
/** Tries of one mark, the first one at once: with the pauses between them, about a quarter of an hour. */
export const MOST_ATTEMPTS = 6;
const FIRST_RETRY_S = 30;

type AnnotationResult = 'written' | 'failed';

/** Counts the tries of this replica. */
export function countAnnotations(
  registry: Registry,
): (environment: string, result: AnnotationResult) => void {
  const tries = new Counter({
    name: 'control_rollout_annotations_total',
    help: 'Tries to mark a rollout on the dashboards of Grafana, by result',
    labelNames: ['environment', 'result'],
    registers: [registry],
  });
  return (environment, result) => tries.inc({ environment, result });
}

export interface RolloutAnnotatorOptions {
  db: Database;
  log: { warn: (about: object, message: string) => void };
  onTried: (environment: string, result: AnnotationResult) => void;
  every_ms?: number;
  first_retry_s?: number;
}

export function startRolloutAnnotator(
  { environments }: ObservabilityDependencies,
  { db, log, onTried, every_ms = EVERY_MS, first_retry_s = FIRST_RETRY_S }: RolloutAnnotatorOptions,
): { stop: () => Promise<void> } {
  const marked = environments.filter(({ grafana }) => grafana !== null);
  const names = marked.map(({ environment }) => environment);
  const stopping = new AbortController();
  const { signal } = stopping;

  /** Answers whether an event was due. */
  function settleOne(): Promise<boolean> {
    return db.transaction().execute(async (tx) => {
      const due = await lockDueAnnotation(tx, names);
      if (due === null) return false;
      const { environment, job_id, phase, attempts } = due;
      try {
        await mark(marked, due, signal);
        await settleAnnotation(tx, due, 'written');
        onTried(environment, 'written');
      } catch (error) {
        if (signal.aborted) throw error;
        const last = attempts + 1 >= MOST_ATTEMPTS;
        await settleAnnotation(tx, due, last ? 'given_up' : { retry_in_s: first_retry_s * 2 ** attempts });
        onTried(environment, 'failed');
        log.warn(
          { environment, job_id, phase, error: String(error) },
          last
            ? 'a rollout was not marked in Grafana'
            : 'a rollout cannot be marked in Grafana; tried again later',
        );
      }
      return true;
    });
  }

  async function run(): Promise<void> {
    while (!signal.aborted) {
      try {
        await noteRolloutEvents(db, names);
        while (!signal.aborted && (await settleOne()));
      } catch (error) {
        if (!signal.aborted) log.warn({ error: String(error) }, 'marking rollouts in Grafana broke off');
      }
      await pause(every_ms, undefined, { signal, ref: false }).catch(() => undefined);
    }
  }
  const running = marked.length > 0 ? run() : Promise.resolve();
  return {
    stop: async () => {
      stopping.abort();
      await running;
    },
  };
}

async function mark(
  environments: readonly ObservedEnvironment[],
  due: DueAnnotation,
  signal: AbortSignal,
): Promise<void> {
  const grafana = environments.find(({ environment }) => environment === due.environment)?.grafana;
  if (!grafana) throw new Error(`${due.environment} has no Grafana any more`);
  const annotation = annotationOf(due);
  if (await grafana.has(annotation.tags, { signal })) return;
  await grafana.write(annotation, { signal });
}

const SAID: Record<DueAnnotation['phase'], string> = {
  started: 'Rollout started',
  finished: 'Rollout finished',
  failed: 'Rollout failed',
};

function annotationOf({
  job_id,
  phase,
  happened_at_ms,
  environment,
  service,
  title,
}: DueAnnotation): Annotation {
  return {
    time_ms: Math.round(happened_at_ms),
    text: `${SAID[phase]}: ${title} (${environment})`,
    tags: [
      'cloudlysis',
      'rollout',
      `environment:${environment}`,
      `service:${service}`,
      `phase:${phase}`,
      `job:${job_id}`,
    ],
  };
}

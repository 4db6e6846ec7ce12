/** The placement store as the steps of jobs use it. */
import { StepFailure, type StepContext } from '#server/jobs/job-definition.ts';
import { tryUntilPossible } from './placement-steps.ts';
import { PlacementStoreError, type PlacementStore } from './placement-store.ts';
import type { EnvironmentSettings } from './scale-settings.ts';

/** What passes by itself, or by what an operator does meanwhile. */
const PASSING: readonly PlacementStoreError['code'][] = ['unavailable', 'full'];

/**
 * The store of an environment, asked again until the step's time is up while it does not answer or has no room. A write whose answer was
 * lost is refused when it is repeated (compare-and-set), and its caller reads what stands there. Throws StepFailure
 * `placement_store_unavailable` in the end.
 */
export function patientStore(
  step: StepContext<unknown>,
  { environment, store }: Pick<EnvironmentSettings, 'environment' | 'store'>,
): PlacementStore {
  const problemOf = (error: unknown) =>
    error instanceof PlacementStoreError && PASSING.includes(error.code)
      ? `The placement store of ${environment} fails: ${error.message}.`
      : null;
  const patiently = <T>(act: () => Promise<T>): Promise<T> =>
    tryUntilPossible(
      step,
      act,
      problemOf,
      (problem) => new StepFailure('placement_store_unavailable', problem),
    );
  return {
    ...store,
    get: (key) => patiently(() => store.get(key)),
    update: (record, expected) => patiently(() => store.update(record, expected)),
    delete: (key, expected) => patiently(() => store.delete(key, expected)),
    history: (key) => patiently(() => store.history(key)),
    currentRevision: () => patiently(() => store.currentRevision()),
  };
}

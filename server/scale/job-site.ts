/** What the steps of every job of this domain begin with: today's settings of their environment, and the checks of the plan once more. */
import type { Check } from '#contract/jobs.ts';
import { StepFailure, type StepContext } from '#server/jobs/job-definition.ts';
import {
  environmentOf,
  type EnvironmentSettings,
  type NodeSettings,
  type ScaleDependencies,
} from './scale-settings.ts';

/** The settings as they are now, which may not be those of the plan. Throws StepFailure `unknown_environment`. */
export function siteSettings(dependencies: ScaleDependencies, environment: string): EnvironmentSettings {
  const settings = environmentOf(dependencies, environment);
  if (settings) return settings;
  throw new StepFailure('unknown_environment', `Environment ${environment} is not configured any more.`);
}

export const nodesNamed = <N extends Pick<NodeSettings, 'node_id'>>(
  nodes: readonly N[],
  node_ids: readonly string[],
): N[] => nodes.filter(({ node_id }) => node_ids.includes(node_id));

/** What a step throws that would otherwise take the silence of nobody for an answer. */
export const nodesGone = (node_ids: readonly string[]): StepFailure =>
  new StepFailure('node_gone', `Not expected any more: ${node_ids.join(', ')}.`);

/** Shows the checks and throws StepFailure `preflight_blocked` when one stands in the way. */
export async function passChecks(
  step: Pick<StepContext<unknown>, 'progress'>,
  checks: readonly Check[],
): Promise<void> {
  await step.progress({ checks });
  const blockers = checks.filter(({ level }) => level === 'blocker');
  if (blockers.length > 0)
    throw new StepFailure('preflight_blocked', blockers.map(({ message }) => message).join(' '));
}

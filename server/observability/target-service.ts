/** What is scraped, and whether the last scrape worked. */
import type { Answer, Target } from '#contract/observability.ts';
import { concerns } from './alert-rules.ts';
import {
  notConfigured,
  observedEnvironment,
  upstreamFailed,
  type ObservabilityDependencies,
} from './observability-settings.ts';

const MOST_TARGETS = 500;

/** Those that are down first. */
export async function listTargets(
  dependencies: ObservabilityDependencies,
  environment: string,
  signal: AbortSignal,
): Promise<{ items: Target[]; dropped: number; answer: Answer }> {
  const source = observedEnvironment(dependencies, environment).targets;
  if (source === null) throw notConfigured(environment, 'targets', 'vmagent');
  const began = performance.now();
  const reported = await source.targets({ signal }).catch((error: unknown) => {
    throw upstreamFailed(error);
  });
  const targets = reported
    .filter(({ labels }) => concerns(environment, labels))
    .map(({ labels, ...target }): Target => ({
      job: labels['job'] ?? '',
      instance: labels['instance'] ?? '',
      service: labels['service'] ?? null,
      labels,
      ...target,
    }))
    .toSorted(downFirst);
  return {
    items: targets.slice(0, MOST_TARGETS),
    dropped: Math.max(0, targets.length - MOST_TARGETS),
    answer: {
      source: source.source,
      answered_at: new Date().toISOString(),
      took_ms: Math.round(performance.now() - began),
    },
  };
}

const ORDER: Record<Target['health'], number> = { down: 0, unknown: 1, up: 2 };
const downFirst = (left: Target, right: Target): number =>
  ORDER[left.health] - ORDER[right.health] ||
  left.job.localeCompare(right.job) ||
  left.instance.localeCompare(right.instance);

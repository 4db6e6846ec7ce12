/** Which outside systems an environment has, and whether each answers as what it should be. */
import {
  OBSERVABILITY_PARTS,
  type ObservabilityPart,
  type ObservabilityStatus,
} from '#contract/observability.ts';
import { observedEnvironment, settingOf, type ObservabilityDependencies } from './observability-settings.ts';
import { SourceError, type OutsideSource } from './outside-source.ts';

/** A page waits for the slowest part. */
const CHECK_LIMIT_MS = 3_000;

/** What each part is, and what it is for. */
const PARTS: Record<ObservabilityPart, [name: string, gives: string]> = {
  metrics: ['a VictoriaMetrics or Prometheus', 'charts and figures'],
  alerts: ['a vmalert', 'pending and firing alerts'],
  alertmanager: ['an Alertmanager', 'which alerts are silenced'],
  targets: ['a vmagent', 'what is scraped'],
  logs: ['a Loki', 'log lines'],
  grafana: ['a Grafana', 'dashboards, with rollouts marked on them'],
};

export async function getStatus(
  dependencies: ObservabilityDependencies,
  environment: string,
  signal: AbortSignal,
): Promise<ObservabilityStatus> {
  const observed = observedEnvironment(dependencies, environment);
  const parts = await Promise.all(OBSERVABILITY_PARTS.map((part) => statusOf(part, observed[part], signal)));
  return { environment, parts };
}

type PartStatus = ObservabilityStatus['parts'][number];

async function statusOf(
  part: ObservabilityPart,
  source: OutsideSource | null,
  signal: AbortSignal,
): Promise<PartStatus> {
  const setting = settingOf(part);
  if (source === null) {
    const [name, gives] = PARTS[part];
    return {
      part,
      state: 'not_configured',
      address: null,
      setting,
      detail: `To see ${gives}, name the address of ${name} in control.yaml and start the control plane again.`,
      checked_at: null,
    };
  }
  const problem = await problemOf(source, signal);
  return {
    part,
    state: problem === null ? 'connected' : 'unreachable',
    address: source.address,
    setting,
    detail: problem,
    checked_at: new Date().toISOString(),
  };
}

async function problemOf(source: OutsideSource, signal: AbortSignal): Promise<string | null> {
  const limit = AbortSignal.timeout(CHECK_LIMIT_MS);
  try {
    await source.check({ signal: AbortSignal.any([signal, limit]) });
    return null;
  } catch (error) {
    signal.throwIfAborted();
    if (limit.aborted)
      return `It does not answer within ${CHECK_LIMIT_MS / 1000} s: see whether it runs and is not overloaded.`;
    if (!(error instanceof SourceError)) throw error;
    return `${error.message}. ${WHAT_TO_DO[error.code]}`;
  }
}

const WHAT_TO_DO: Record<SourceError['code'], string> = {
  unreachable: 'See whether it runs, and whether this address is reached from the control plane.',
  timeout: 'See whether it runs and is not overloaded.',
  refused: 'Check observability.credentials in control.yaml.',
  bad_status: 'See its log.',
  bad_response: 'See whether the address is that of this system.',
};

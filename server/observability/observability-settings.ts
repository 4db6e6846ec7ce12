/** What configuration gives to this domain: for each environment the outside systems that it names. */
import type { ObservabilityPart } from '#contract/observability.ts';
import { ControlError } from '#server/http/control-error.ts';
import type { AlertSource } from './alert-source.ts';
import type { AnnotationSink } from './annotation-sink.ts';
import type { LogSource } from './log-source.ts';
import type { MetricSource } from './metric-source.ts';
import { SourceError, type OutsideSource } from './outside-source.ts';
import type { TargetSource } from './target-source.ts';

/** What is not configured is null. */
export interface ObservabilitySources extends Record<ObservabilityPart, OutsideSource | null> {
  metrics: MetricSource | null;
  /** vmalert. */
  alerts: AlertSource | null;
  alertmanager: AlertSource | null;
  targets: TargetSource | null;
  logs: LogSource | null;
  grafana: AnnotationSink | null;
}

export interface ObservedEnvironment extends ObservabilitySources {
  environment: string;
  /** Where browsers reach Grafana, without a slash at its end; null where there is none. */
  grafana_public_url: string | null;
}

export interface ObservabilityDependencies {
  /** In promotion order. */
  environments: readonly ObservedEnvironment[];
}

/** The setting of `control.yaml` that names the part's address. */
export const settingOf = (part: ObservabilityPart): string => `environments[].observability.${part}_url`;

/** Throws `unknown_environment`. */
export function observedEnvironment(
  { environments }: ObservabilityDependencies,
  environment: string,
): ObservedEnvironment {
  const found = environments.find((each) => each.environment === environment);
  if (found) return found;
  const names = environments.map((each) => each.environment).join(', ');
  throw new ControlError(
    'unknown_environment',
    `There is no environment ${environment}; there are ${names}.`,
  );
}

/** `not_configured`, with what to do about it. */
export const notConfigured = (environment: string, part: ObservabilityPart, what: string): ControlError =>
  new ControlError(
    'not_configured',
    `${environment} has no ${what}: name it as observability.${part}_url of the environment in control.yaml and start the control plane again.`,
    { details: { part, setting: settingOf(part) } },
  );

/** `upstream_failed`, with server and reason. What is no SourceError goes through. */
export function upstreamFailed(error: unknown, todo = ''): unknown {
  if (!(error instanceof SourceError)) return error;
  return new ControlError('upstream_failed', `${error.message}.${todo === '' ? '' : ` ${todo}`}`, {
    details: { reason: error.code },
    cause: error,
  });
}

/** `validation_failed`, for what the schema of a query cannot say. */
export const invalidQuery = (problems: readonly { field: string; message: string }[]): ControlError =>
  new ControlError(
    'validation_failed',
    `${problems.map(({ field, message }) => `${field} ${message}`).join('; ')}.`,
    { errors: problems.map(({ field, message }) => ({ in: 'query', pointer: `/${field}`, message })) },
  );

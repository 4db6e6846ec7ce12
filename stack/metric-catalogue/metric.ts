/**
 * How a metric is declared. The catalogue is the one place where names and labels are written: dashboards, alerts and recording rules
 * build their queries from it, so a misspelt name or label does not compile.
 */

export type MetricType = 'counter' | 'gauge' | 'histogram';

/** Labels that the scrape puts on every series; a metric need not declare them. */
export const TARGET_LABELS = ['env', 'service', 'instance', 'job'] as const;
export type TargetLabel = (typeof TARGET_LABELS)[number];

/**
 * How the environment of a series is told: by the label `env` of its target; by its own label `environment`, where the control plane
 * reports about an environment; or not at all, for the control plane's own process, whose target has `env="control"`.
 */
export type EnvironmentLabel = 'env' | 'environment' | 'control';

export interface MetricDeclaration {
  type: MetricType;
  /** What one is of: `seconds`, `bytes`, `requests` … */
  unit: string;
  /** Labels of its own, without those of the target. */
  labels: readonly string[];
  help: string;
  /** `wanted` is in the contract, but the simulated platform or the control plane does not export it yet. */
  state?: 'wanted';
  /** Upper bounds of a histogram's buckets, without +Inf. Given for what the contract asks for. */
  buckets?: readonly number[];
}

/** Who exports a metric, and how its environment is told. */
export interface MetricSource {
  source: string;
  environment: EnvironmentLabel;
}

export type Metric = MetricDeclaration & MetricSource;

/** Declares the metrics of one source. */
export function metricsOf<const Declared extends Record<string, MetricDeclaration>>(
  source: MetricSource,
  declared: Declared,
): { [Name in keyof Declared]: Declared[Name] & MetricSource } {
  const entries = Object.entries(declared).map(([name, metric]) => [name, { ...metric, ...source }]);
  return Object.fromEntries(entries) as { [Name in keyof Declared]: Declared[Name] & MetricSource };
}

/** All metrics that dashboards, alerts and recording rules may name. */
import { controlMetrics } from './control-metrics.ts';
import { hostMetrics } from './host-metrics.ts';
import { logMetrics } from './log-metrics.ts';
import { type Metric, type MetricType, type TargetLabel } from './metric.ts';
import { natsMetrics } from './nats-metrics.ts';
import { platformMetrics } from './platform-metrics.ts';
import { recordedMetrics } from './recorded-metrics.ts';
import { victoriaMetrics } from './victoria-metrics.ts';

const CATALOGUE = {
  ...platformMetrics,
  ...controlMetrics,
  ...natsMetrics,
  ...hostMetrics,
  ...logMetrics,
  ...victoriaMetrics,
  ...recordedMetrics,
};

type Catalogue = typeof CATALOGUE;
export type MetricName = keyof Catalogue;

/** Names of the metrics of one type. */
export type MetricNameOf<Type extends MetricType> = {
  [Name in MetricName]: Catalogue[Name]['type'] extends Type ? Name : never;
}[MetricName];

/** Labels that a metric's series have. */
export type LabelOf<Name extends MetricName> = Catalogue[Name]['labels'][number] | TargetLabel;

export const METRICS: Readonly<Record<MetricName, Metric>> = CATALOGUE;

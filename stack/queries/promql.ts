/**
 * PromQL built from the metric catalogue. An expression knows the labels that its series have, so only a label that is there can be
 * matched or grouped by. It is text only when it is rendered: the same one serves a dashboard, where the environment is a variable, and
 * an alert, which looks at all environments.
 */
import {
  type LabelOf,
  METRICS,
  type MetricName,
  type MetricNameOf,
} from '#stack/metric-catalogue/catalogue.ts';

/** Where an expression is used. */
export interface Scope {
  /** The environment that every selector is narrowed to; null selects all. */
  environment: string | null;
  /** Range of rates and increases that name none. */
  window: string;
}

/** On a dashboard: the chosen environment, and the range that fits the zoom. */
export const DASHBOARD: Scope = { environment: '$environment', window: '$__rate_interval' };

/** In a rule: all environments. */
export function ruleScope(window: string): Scope {
  return { environment: null, window };
}

/** A condition on a label: a value, or an operator with one. */
export type Matcher = string | { operator: '!=' | '=~' | '!~'; value: string };
export const not = (value: string): Matcher => ({ operator: '!=', value });
export const matching = (value: string): Matcher => ({ operator: '=~', value });
export const notMatching = (value: string): Matcher => ({ operator: '!~', value });

type Matchers<Name extends MetricName> = { [Label in LabelOf<Name>]?: Matcher };
type CounterName =
  | MetricNameOf<'counter'>
  | `${MetricNameOf<'histogram'>}_count`
  | `${MetricNameOf<'histogram'>}_sum`;
type BaseName<Name extends string> = Name extends MetricName
  ? Name
  : Name extends `${infer Base extends MetricNameOf<'histogram'>}_${'count' | 'sum' | 'bucket'}`
    ? Base
    : never;
type CounterLabel<Name extends CounterName> = LabelOf<BaseName<Name>>;

export class Expression<Label extends string> {
  readonly render: (scope: Scope) => string;
  /** Only for the compiler: the labels that the series have. */
  declare protected readonly labels: Label;

  constructor(render: (scope: Scope) => string) {
    this.render = render;
  }

  /** Divides series by series of the same labels. Where the divisor is 0 there is no result, rather than NaN. */
  dividedBy(divisor: Expression<Label> | number): Expression<Label> {
    if (typeof divisor === 'number') return this.#with(`/ ${divisor}`);
    return new Expression((scope) => `(${this.render(scope)}) / ((${divisor.render(scope)}) > 0)`);
  }

  times(factor: number): Expression<Label> {
    return this.#with(`* ${factor}`);
  }

  minus(other: Expression<Label>): Expression<Label> {
    return new Expression((scope) => `(${this.render(scope)}) - (${other.render(scope)})`);
  }

  plus(other: Expression<Label>): Expression<Label> {
    return new Expression((scope) => `(${this.render(scope)}) + (${other.render(scope)})`);
  }

  /** 1 minus the value: the other part of a ratio. */
  complement(): Expression<Label> {
    return new Expression((scope) => `1 - (${this.render(scope)})`);
  }

  /** Keeps series above the limit. */
  above(limit: number | `time() - ${number}`): Expression<Label> {
    return this.#with(`> ${limit}`);
  }

  /** Keeps series below the limit. */
  below(limit: number): Expression<Label> {
    return this.#with(`< ${limit}`);
  }

  equals(value: number): Expression<Label> {
    return this.#with(`== ${value}`);
  }

  /** Keeps series for which the other side has one with the same values of `labels`. */
  and<On extends Label>(labels: readonly On[], other: Expression<On>): Expression<Label> {
    return this.#joined('and', labels, other);
  }

  /** Keeps series for which the other side has none with the same values of `labels`. */
  unless<On extends Label>(labels: readonly On[], other: Expression<On>): Expression<Label> {
    return this.#joined('unless', labels, other);
  }

  /** These series, and those of `other` that are not among them. */
  or(other: Expression<Label>): Expression<Label> {
    return new Expression((scope) => `(${this.render(scope)}) or (${other.render(scope)})`);
  }

  #with(operation: string): Expression<Label> {
    return new Expression((scope) => `(${this.render(scope)}) ${operation}`);
  }

  #joined<On extends Label>(
    operator: string,
    labels: readonly On[],
    other: Expression<On>,
  ): Expression<Label> {
    return new Expression(
      (scope) => `(${this.render(scope)}) ${operator} on (${labels.join(', ')}) (${other.render(scope)})`,
    );
  }
}

/** The series of a gauge. */
export function gauge<Name extends MetricNameOf<'gauge'>>(
  name: Name,
  matchers: Matchers<Name> = {},
): Expression<LabelOf<Name>> {
  return new Expression((scope) => selector(name, name, matchers, scope));
}

/** Growth of a counter per second. */
export function rate<Name extends CounterName>(
  name: Name,
  matchers: Matchers<BaseName<Name>> = {},
  window?: string,
): Expression<CounterLabel<Name>> {
  return overRange('rate', name, matchers, window);
}

/** Growth of a counter over the window. */
export function increase<Name extends CounterName>(
  name: Name,
  matchers: Matchers<BaseName<Name>> = {},
  window?: string,
): Expression<CounterLabel<Name>> {
  return overRange('increase', name, matchers, window);
}

/** Change of a gauge over the window; the exporters of NATS call counters so too. */
export function change<Name extends MetricNameOf<'gauge'>>(
  name: Name,
  matchers: Matchers<Name> = {},
  window?: string,
): Expression<LabelOf<Name>> {
  return overRange('delta', name, matchers, window);
}

/** Change of a gauge per second, by the straight line through the window. */
export function slope<Name extends MetricNameOf<'gauge'>>(
  name: Name,
  matchers: Matchers<Name> = {},
  window?: string,
): Expression<LabelOf<Name>> {
  return overRange('deriv', name, matchers, window);
}

/** How often a gauge changed within the window. */
export function changes<Name extends MetricNameOf<'gauge'>>(
  name: Name,
  matchers: Matchers<Name> = {},
  window?: string,
): Expression<LabelOf<Name>> {
  return overRange('changes', name, matchers, window);
}

/** The largest value of a gauge within the window. */
export function maxOverTime<Name extends MetricNameOf<'gauge'>>(
  name: Name,
  matchers: Matchers<Name> = {},
  window?: string,
): Expression<LabelOf<Name>> {
  return overRange('max_over_time', name, matchers, window);
}

/** Where a gauge will be after `seconds`, if it goes on as in the window. */
export function predicted<Name extends MetricNameOf<'gauge'>>(
  name: Name,
  seconds: number,
  matchers: Matchers<Name> = {},
  window?: string,
): Expression<LabelOf<Name>> {
  const range = (scope: Scope): string =>
    `${selector(name, name, matchers, scope)}[${window ?? scope.window}]`;
  return new Expression((scope) => `predict_linear(${range(scope)}, ${seconds})`);
}

/** 1 when there is no such series at all. */
export function absent(expression: Expression<string>): Expression<never> {
  return new Expression((scope) => `absent(${expression.render(scope)})`);
}

type Aggregation = 'sum' | 'max' | 'min' | 'avg' | 'count';

/** Series merged by labels; no labels merges all. */
export function aggregate<Label extends string, By extends Label>(
  aggregation: Aggregation,
  by: readonly By[],
  expression: Expression<Label>,
): Expression<By> {
  const grouping = by.length > 0 ? ` by (${by.join(', ')})` : '';
  return new Expression((scope) => `${aggregation}${grouping} (${expression.render(scope)})`);
}

export function sumBy<Label extends string, By extends Label>(
  by: readonly By[],
  expression: Expression<Label>,
): Expression<By> {
  return aggregate('sum', by, expression);
}

export function maxBy<Label extends string, By extends Label>(
  by: readonly By[],
  expression: Expression<Label>,
): Expression<By> {
  return aggregate('max', by, expression);
}

/**
 * Part of a whole, both counters: 0, and not nothing, when the part has no series yet; nothing when the whole stands still.
 */
export function ratioBy<Label extends string, By extends Label>(
  by: readonly By[],
  part: Expression<Label>,
  whole: Expression<Label>,
): Expression<By> {
  const wholeSum = sumBy(by, whole);
  return sumBy(by, part).or(wholeSum.times(0)).dividedBy(wholeSum);
}

/** Growth of a histogram's buckets per second. */
export function bucketRate<Name extends MetricNameOf<'histogram'>>(
  name: Name,
  matchers: Matchers<Name> & { le?: string } = {},
  window?: string,
): Expression<LabelOf<Name> | 'le'> {
  return new Expression(
    (scope) => `rate(${selector(`${name}_bucket`, name, matchers, scope)}[${window ?? scope.window}])`,
  );
}

/** Quantile (0.95 …) of buckets, by labels. */
export function quantile<Label extends string, By extends Label>(
  share: number,
  by: readonly By[],
  buckets: Expression<Label | 'le'>,
): Expression<By> {
  const summed = sumBy(['le', ...by], buckets);
  return new Expression((scope) => `histogram_quantile(${share}, ${summed.render(scope)})`);
}

/** Quantile (0.95 …) of a histogram, by labels. */
export function quantileBy<Name extends MetricNameOf<'histogram'>, By extends LabelOf<Name>>(
  share: number,
  by: readonly By[],
  name: Name,
  matchers: Matchers<Name> = {},
  window?: string,
): Expression<By> {
  return quantile(share, by, bucketRate(name, matchers, window));
}

/** The `count` largest series. For instant queries only: over a range each step has another top. */
export function largest<Label extends string>(
  count: number,
  expression: Expression<Label>,
): Expression<Label> {
  return new Expression((scope) => `topk(${count}, ${expression.render(scope)})`);
}

/** Series with the version that the instance ran at the time. */
export function withVersion<Label extends string>(
  expression: Expression<Label>,
  version: Matcher = matching('.+'),
): Expression<Label | 'version'> {
  const info = gauge('service:build_info', { version });
  return new Expression(
    (scope) =>
      `(${expression.render(scope)}) * on (env, service, instance) group_left (version) ${info.render(scope)}`,
  );
}

function overRange<Label extends string>(
  call: string,
  name: string,
  matchers: object,
  window: string | undefined,
): Expression<Label> {
  const base = name in METRICS ? name : name.replace(/_(count|sum)$/, '');
  if (!(base in METRICS)) throw new Error(`There is no metric ${name} in the catalogue.`);
  return new Expression(
    (scope) => `${call}(${selector(name, base as MetricName, matchers, scope)}[${window ?? scope.window}])`,
  );
}

function selector(series: string, metric: MetricName, matchers: object, scope: Scope): string {
  const all: Record<string, Matcher> = {
    ...environmentMatcher(metric, scope),
    ...(matchers as Record<string, Matcher>),
  };
  const conditions = Object.entries(all).map(([label, matcher]) =>
    typeof matcher === 'string'
      ? `${label}="${escape(matcher)}"`
      : `${label}${matcher.operator}"${escape(matcher.value)}"`,
  );
  return conditions.length > 0 ? `${series}{${conditions.join(', ')}}` : series;
}

function environmentMatcher(metric: MetricName, { environment }: Scope): Record<string, Matcher> {
  if (environment === null) return {};
  switch (METRICS[metric].environment) {
    case 'env':
      return { env: environment };
    case 'environment':
      return { environment };
    case 'control':
      return { env: 'control' };
  }
}

function escape(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"');
}

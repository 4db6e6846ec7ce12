/** Which range, step and expression a run of a named query has. Pure: a request in, what to ask or what is wrong out. */
import {
  QUERY_LIMITS,
  QUERY_PARAMETERS,
  type NamedQuery,
  type QueryParameter,
} from '#contract/observability.ts';

export type Narrowing = Partial<Record<QueryParameter, string | undefined>>;

/** What is wrong with a request, by its field. */
export interface QueryProblem {
  field: string;
  message: string;
}

export interface QueryRange {
  /** Seconds since 1970, multiples of the step. */
  from_s: number;
  to_s: number;
  step_s: number;
}

/** Steps at which axes read well; a chart has no more than half of the points that are allowed. */
const LONGEST_STEP_S = 3_600;
const STEPS = [5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, LONGEST_STEP_S] as const;
const CHART_POINTS = QUERY_LIMITS.most_points / 2;
const DEFAULT_RANGE_S = 3_600;
/** Four scrapes of 15 s: a rate needs two of them, and one may be missing. */
const SHORTEST_WINDOW_S = 60;

interface GivenRange {
  from?: string | undefined;
  to?: string | undefined;
}
/** Milliseconds since 1970. */
export interface Period {
  from_ms: number;
  to_ms: number;
}

/** From begin to end, the last hour when nothing else is given; or what is wrong with it. */
export function periodOf({ from, to }: GivenRange, now_ms: number): Period | QueryProblem {
  const to_ms = to === undefined ? now_ms : Date.parse(to);
  const from_ms = from === undefined ? to_ms - DEFAULT_RANGE_S * 1000 : Date.parse(from);
  // A leap second is a valid time that no clock here knows.
  if (Number.isNaN(from_ms - to_ms)) return { field: 'from', message: 'and `to` take no leap seconds' };
  if (from_ms >= to_ms) return { field: 'from', message: 'must be before `to`' };
  return { from_ms, to_ms };
}

/** The range to ask for, at whole steps; or what is wrong with it. */
export function rangeOf(
  { step_s, ...given }: GivenRange & { step_s?: number | undefined },
  now_ms: number,
): QueryRange | QueryProblem {
  const period = periodOf(given, now_ms);
  if ('field' in period) return period;
  const begin = period.from_ms / 1000;
  const end = period.to_ms / 1000;
  const length = end - begin;
  if (length > QUERY_LIMITS.longest_range_s) {
    const days = QUERY_LIMITS.longest_range_s / 86_400;
    return { field: 'from', message: `must be at most ${days} days before \`to\`` };
  }
  // Both ends are rounded down to a step, which can add one to the steps between them.
  const fits = (points: number) => (step: number) => length / step <= points - 2;
  const step = step_s ?? STEPS.find(fits(CHART_POINTS)) ?? LONGEST_STEP_S;
  if (!fits(QUERY_LIMITS.most_points)(step)) {
    const least = Math.ceil(length / (QUERY_LIMITS.most_points - 2));
    return {
      field: 'step_s',
      message: `must be at least ${least} for this range: a series has at most ${QUERY_LIMITS.most_points} points`,
    };
  }
  return { from_s: Math.floor(begin / step) * step, to_s: Math.floor(end / step) * step, step_s: step };
}

/** What the query cannot be narrowed by, or must be and is not. */
export function narrowingProblems(
  { name, required, optional }: Pick<NamedQuery, 'name' | 'required' | 'optional'>,
  narrowing: Narrowing,
): QueryProblem[] {
  const known = [...required, ...optional];
  return QUERY_PARAMETERS.flatMap((parameter) => {
    if (narrowing[parameter] === undefined) {
      return required.includes(parameter)
        ? [{ field: parameter, message: `is needed by the query ${name}` }]
        : [];
    }
    if (known.includes(parameter)) return [];
    const can = known.length === 0 ? 'nothing' : known.join(', ');
    return [{ field: parameter, message: `cannot narrow the query ${name}, which takes ${can}` }];
  });
}

/** The expression with everything filled in. A value never ends the string that it stands in. */
export function fillExpression(
  { expression, tenant_expression }: Pick<NamedQuery, 'expression' | 'tenant_expression'>,
  {
    environment,
    step_s = SHORTEST_WINDOW_S,
    ...narrowing
  }: Narrowing & { environment: string; step_s?: number },
): string {
  const template = narrowing.tenant_id === undefined ? expression : (tenant_expression ?? expression);
  const values: Record<string, string> = {
    environment: escapeString(environment),
    window: `${Math.max(SHORTEST_WINDOW_S, step_s)}s`,
  };
  for (const parameter of QUERY_PARAMETERS) {
    const value = narrowing[parameter];
    values[parameter] = value === undefined ? '.*' : escapeString(escapePattern(value));
  }
  return template.replaceAll(/\$([a-z_]+)/g, (placeholder, name: string) => values[name] ?? placeholder);
}

/** As a string of PromQL and LogQL between double quotes has it, with Go's escapes; it may not hold control characters as they are. */
const escapeString = (value: string): string =>
  value
    .replaceAll('\\', '\\\\')
    .replaceAll('"', '\\"')
    .replaceAll(/\p{Cc}/gu, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);

/** A regular expression of RE2 that matches the value alone; matchers are anchored at both ends. */
const escapePattern = (value: string): string => value.replaceAll(/[\\.+*?()|[\]{}^$]/g, String.raw`\$&`);

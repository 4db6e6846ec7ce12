/** Every PromQL that the stack holds, read from its generated files, with the variables filled in: what a real server must answer. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parser } from '@prometheus-io/lezer-promql';
import type { SyntaxNode } from '@lezer/common';
import { parse } from 'yaml';

import { root } from './setup.mjs';

export interface StackQuery {
  /** Dashboard and panel, alert, recording rule or named query. */
  where: string;
  expr: string;
}

interface Panel {
  type: string;
  title: string;
  targets?: { expr: string; instant?: boolean; datasource: { type: string } }[];
}
interface Dashboard {
  uid: string;
  title: string;
  panels: Panel[];
  templating: { list: { name: string; query: { query: string } | string }[] };
  annotations: { list: { name: string; expr: string }[] };
}
interface Rule {
  alert?: string;
  record?: string;
  expr: string;
  labels?: Record<string, string>;
}
interface NamedQuery {
  name: string;
  language: string;
  expression: string;
  tenant_expression: string | null;
}

const generated = join(root, 'stack/generated');
const readJson = <Value>(file: string): Value =>
  JSON.parse(readFileSync(join(generated, file), 'utf8')) as Value;

/** The dashboards as Grafana loads them. */
export const dashboards = (): Dashboard[] =>
  readdirSync(join(generated, 'dashboards')).map((file) => readJson<Dashboard>(`dashboards/${file}`));

/**
 * Queries of the panels, with the annotations and what fills the variables. Grafana's own variables become a window. Of a panel that shows
 * only what is wrong, what it compares.
 */
export function dashboardQueries(environment: string, window: string): StackQuery[] {
  const fill = (expr: string): string => filled(expr, environment, window);
  return dashboards().flatMap(({ title, panels, templating, annotations }) => [
    ...panels.flatMap(({ title: panel, targets = [] }) =>
      targets
        .filter(({ datasource }) => datasource.type === 'prometheus')
        .map(({ expr }) => ({ where: `${title} / ${panel}`, expr: withoutLimit(fill(expr)) })),
    ),
    ...annotations.list.map(({ name, expr }) => ({
      where: `${title} / ${name}`,
      expr: withoutLimit(fill(expr)),
    })),
    ...templating.list.flatMap(({ name, query }) => {
      const [, selector, label] =
        /^label_values\((.*), (\w+)\)$/.exec(typeof query === 'string' ? query : query.query) ?? [];
      return selector === undefined
        ? []
        : [{ where: `${title} / $${name}`, expr: `count by (${label}) (${fill(selector)})` }];
    }),
  ]);
}

/** What alerts compare and what recording rules record: an alert itself has an answer only while something is wrong. */
export function ruleQueries(): StackQuery[] {
  return rules().flatMap(({ alert, record, labels, expr }) =>
    record === undefined
      ? operandsOf(expr).map((operand) => ({ where: `alert ${alert}`, expr: operand }))
      : [{ where: `recording ${record} ${Object.values(labels ?? {}).join()}`.trim(), expr }],
  );
}

export const rules = (): Rule[] =>
  readdirSync(join(generated, 'rules')).flatMap((file) =>
    (
      parse(readFileSync(join(generated, 'rules', file), 'utf8')) as { groups: { rules: Rule[] }[] }
    ).groups.flatMap((group) => group.rules),
  );

/** The queries of the Admin UI, about a service and about a tenant. */
export const namedQueries = (environment: string, window: string): StackQuery[] =>
  readJson<NamedQuery[]>('queries.json')
    .filter(({ language }) => language === 'promql')
    .flatMap(({ name, expression, tenant_expression }) => [
      { where: `query ${name}`, expr: filled(expression, environment, window) },
      ...(tenant_expression === null
        ? []
        : [{ where: `query ${name} of a tenant`, expr: filled(tenant_expression, environment, window) }]),
    ]);

/** The query with its variables filled in: one environment, and all of everything else. */
export function filled(expr: string, environment: string, window: string): string {
  return expr
    .replaceAll(/\$(?:__rate_interval|__interval|window)\b/g, window)
    .replaceAll('$environment', environment)
    .replaceAll(/\$\w+/g, '.*');
}

/** The parts of a condition that are there in good times, too: `a > 1 and b < 2` is made of `a` and `b`. */
export function operandsOf(expr: string): string[] {
  const text = ({ from, to }: SyntaxNode): string => expr.slice(from, to);
  const operands = (node: SyntaxNode): string[] => {
    if (node.name === 'ParenExpr' && node.firstChild) return operands(node.firstChild);
    if (node.name === 'FunctionCall' && text(node).startsWith('absent(')) {
      const [, inner = ''] = /^absent\((.*)\)$/s.exec(text(node)) ?? [];
      return operandsOf(inner);
    }
    const { firstChild: left, lastChild: right } = node;
    const operator = left?.nextSibling;
    if (node.name !== 'BinaryExpr' || !left || !right || !operator) return [text(node)];
    if (['And', 'Or', 'Unless'].includes(operator.name)) return [...operands(left), ...operands(right)];
    return COMPARISONS.has(operator.name) ? operands(left) : [text(node)];
  };
  const top = parser.parse(expr).topNode.firstChild;
  return top === null ? [expr] : [...new Set(operands(top))];
}

/** What is shown only above or below a limit, shown always. */
function withoutLimit(expr: string): string {
  const { firstChild: left = null } = parser.parse(expr).topNode.firstChild ?? {};
  return left !== null && COMPARISONS.has(left.nextSibling?.name ?? '')
    ? expr.slice(left.from, left.to)
    : expr;
}

const COMPARISONS = new Set(['Gtr', 'Lss', 'Gte', 'Lte', 'Eql', 'EqlC', 'Neq']);

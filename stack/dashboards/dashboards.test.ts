import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

import { METRICS, type MetricName } from '#stack/metric-catalogue/catalogue.ts';
import { TARGET_LABELS } from '#stack/metric-catalogue/metric.ts';
import { findVictoriaMetrics } from '#tools/victoria-metrics.mjs';
import { dashboardFiles } from './dashboard-files.ts';
import { DASHBOARDS } from './dashboard-list.ts';
import { LOGS_SOURCE, METRICS_SOURCE } from './panel.ts';

interface Target {
  refId: string;
  expr: string;
  instant?: boolean;
  queryType?: string;
  datasource: { uid: string };
}
interface GridPosition {
  x: number;
  y: number;
  w: number;
  h: number;
}
interface GeneratedPanel {
  id: number;
  type: string;
  title: string;
  description?: string;
  gridPos: GridPosition;
  datasource?: { uid: string };
  targets?: Target[];
  fieldConfig?: { defaults: { unit?: string; links?: { url: string }[] } };
}
interface GeneratedDashboard {
  uid: string;
  title: string;
  panels: GeneratedPanel[];
  links: { url: string; type: string }[];
  templating: { list: { name: string; query: { query: string } | string }[] };
  annotations: { list: { name: string; expr: string }[] };
}

const vmalert = findVictoriaMetrics('vmalert');
const dashboards = Object.values(dashboardFiles()).map((text) => JSON.parse(text) as GeneratedDashboard);
const panels = dashboards.flatMap((dashboard) =>
  dashboard.panels
    .filter(({ type }) => type !== 'row')
    .map((panel) => ({ ...panel, dashboard, where: `${dashboard.title} / ${panel.title}` })),
);
const queries = panels.flatMap(({ targets = [], where, dashboard }) =>
  targets.map((target) => ({ ...target, where, dashboard })),
);
const metricQueries = queries.filter(({ datasource }) => datasource.uid === METRICS_SOURCE.uid);
const logQueries = queries.filter(({ datasource }) => datasource.uid === LOGS_SOURCE.uid);

describe('every dashboard', () => {
  it('has a uid of its own and is one of the list', () => {
    expect(dashboards.map(({ uid }) => uid)).toEqual(Object.values(DASHBOARDS).map(({ uid }) => uid));
    expect(new Set(dashboards.map(({ uid }) => uid)).size).toBe(dashboards.length);
  });

  it('can be reached from the overview by links', () => {
    const reached = new Set<string>();
    const open = [DASHBOARDS.operations.uid as string];
    for (let uid = open.pop(); uid !== undefined; uid = open.pop()) {
      if (reached.has(uid)) continue;
      reached.add(uid);
      const dashboard = dashboards.find((each) => each.uid === uid);
      open.push(...linksOf(dashboard!));
    }
    expect([...reached].sort()).toEqual(dashboards.map(({ uid }) => uid).sort());
  });

  it('leads by a click from the overview to HTTP detail, and from there to the logs', () => {
    const clicks = (uid: string): string[] =>
      panels.filter(({ dashboard }) => dashboard.uid === uid).flatMap((panel) => clickTargets(panel));
    expect(clicks(DASHBOARDS.operations.uid)).toContain(DASHBOARDS.http.uid);
    expect(clicks(DASHBOARDS.http.uid)).toContain(DASHBOARDS.logs.uid);
  });

  it('marks deployments', () => {
    const unmarked = dashboards.filter(
      ({ annotations }) => !annotations.list.some(({ name }) => name === 'Deployments'),
    );
    expect(unmarked).toEqual([]);
  });

  it('declares the variables that its queries use, and no other', () => {
    const variables = dashboards.map(({ title, templating, panels: all, annotations }) => {
      const text = JSON.stringify([
        all.map(({ targets }) => targets),
        annotations,
        templating.list.map(({ query }) => query),
      ]);
      const used = [...text.matchAll(/\$(?!__)(\w+)/g)].map(([, name = '']) => name);
      return {
        title,
        declared: templating.list.map(({ name }) => name).sort(),
        used: [...new Set(used)].sort(),
      };
    });
    for (const { title, declared, used } of variables)
      expect(declared, `variables of ${title}`).toEqual(used);
    expect(variables.length).toBe(13);
  });
});

describe('every panel', () => {
  it('has title, description, unit, a data source and at least one query', () => {
    const incomplete = panels.filter(
      ({ title, description, datasource, targets, fieldConfig }) =>
        !title ||
        !description?.endsWith('.') ||
        !datasource ||
        !targets?.length ||
        !fieldConfig?.defaults.unit,
    );
    expect(incomplete.map(({ where }) => where)).toEqual([]);
  });

  it('has an id of its own, and overlaps no other', () => {
    const clashes = dashboards.flatMap(({ title, panels: all }) =>
      all.flatMap((one, index) =>
        all
          .slice(index + 1)
          .flatMap((other) =>
            one.id === other.id || overlap(one.gridPos, other.gridPos)
              ? [`${title}: ${one.title || 'row'} and ${other.title || 'row'}`]
              : [],
          ),
      ),
    );
    const tooWide = panels.filter(({ gridPos: { x, w } }) => x + w > 24).map(({ where }) => where);
    expect([...clashes, ...tooWide]).toEqual([]);
  });
});

describe('every query', () => {
  it('names only metrics and labels of the catalogue', () => {
    const unknown = metricQueries.flatMap(({ expr, where }) =>
      unknownNames(expr).map((name) => `${where}: ${name}`),
    );
    expect(metricQueries.length).toBeGreaterThan(120);
    expect(unknown).toEqual([]);
  });

  it('narrows each selector to an environment', () => {
    const selectors = metricQueries.flatMap(({ expr, where }) =>
      selectorsOf(expr).map(({ matchers }) => ({ matchers, where })),
    );
    const everywhere = selectors.filter(
      ({ matchers }) => !/\benv(ironment)?=~?"(\$environment|control)/.test(matchers),
    );
    expect(everywhere).toEqual([]);
    const logs = logQueries.filter(({ expr }) => !expr.includes('{env="$environment"'));
    expect(logs).toEqual([]);
  });

  it('groups by tenant only where the tenants are chosen', () => {
    const unbounded = metricQueries.filter(
      ({ expr }) =>
        /by \([^)]*tenant_id/.test(expr) &&
        selectorsOf(expr).some(({ matchers }) => !matchers.includes('tenant_id=~"$tenant"')),
    );
    expect(unbounded).toEqual([]);
  });

  it.skipIf(!('path' in vmalert))('is read by VictoriaMetrics, as one that is broken is not', () => {
    const exprs = [...new Set(metricQueries.map(({ expr }) => expr))];
    expect(parse(exprs)).toBe('');
    expect(parse([`${exprs[0]})`])).toContain('invalid expression');
  });

  it('asks for the largest series only of one moment', () => {
    const moving = metricQueries.filter(({ expr, instant }) => expr.includes('topk(') && !instant);
    expect(moving).toEqual([]);
  });

  it('counts log lines by what has few values, and looks for new errors only as of now', () => {
    const counting = logQueries.filter(({ expr }) => /\b(rate|count_over_time)\(/.test(expr));
    const groups = counting.flatMap(({ expr }) =>
      [...expr.matchAll(/by \(([^)]*)\)/g)].flatMap(([, list = '']) => list.split(', ')),
    );
    expect(counting.length).toBeGreaterThan(1);
    expect([...new Set(groups)].toSorted()).toEqual(['kind', 'level', 'service']);
    const moving = counting.filter(
      ({ expr, queryType }) => expr.includes('unless') && queryType !== 'instant',
    );
    expect(moving).toEqual([]);
  });

  it('of Noisy Neighbour follows the chosen tenant, logs too', () => {
    const fixed = queries.filter(
      ({ dashboard, expr }) =>
        dashboard.uid === DASHBOARDS.tenants.uid && !expr.includes('tenant_id=~"$tenant"'),
    );
    expect(fixed).toEqual([]);
  });

  it('aggregates counters after their rate, over a range that fits the zoom', () => {
    const wrong = metricQueries.filter(
      ({ expr }) =>
        /rate\((sum|max|avg|count)/.test(expr) || /\brate\([^[]*\[(?!\$__rate_interval)/.test(expr),
    );
    expect(wrong).toEqual([]);
  });
});

/** What vmalert has against the expressions; nothing when it reads them all. */
function parse(exprs: string[]): string {
  const folder = mkdtempSync(join(tmpdir(), 'control-queries-'));
  try {
    const rules = exprs.map((expr, index) => ({
      record: `query_${index}`,
      expr: expr.replaceAll('$__rate_interval', '5m').replaceAll(/\$\w+/g, 'chosen'),
    }));
    const file = join(folder, 'queries.yaml');
    writeFileSync(file, JSON.stringify({ groups: [{ name: 'queries', rules }] }));
    const program = 'path' in vmalert ? vmalert.path : vmalert.reason;
    const { status, stderr } = spawnSync(program, ['-dryRun', `-rule=${file}`], { encoding: 'utf8' });
    return status === 0 ? '' : stderr;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function linksOf(dashboard: GeneratedDashboard): string[] {
  return [
    ...dashboard.links.flatMap(({ url }) => uidsIn(url)),
    ...dashboard.panels.flatMap((panel) => clickTargets(panel)),
  ];
}

function clickTargets({ fieldConfig }: GeneratedPanel): string[] {
  return (fieldConfig?.defaults.links ?? []).flatMap(({ url }) => uidsIn(url));
}

function uidsIn(url = ''): string[] {
  return [...url.matchAll(/^\/d\/([\w-]+)/g)].map(([, uid = '']) => uid);
}

function overlap(one: GridPosition, other: GridPosition): boolean {
  const apart =
    one.x + one.w <= other.x ||
    other.x + other.w <= one.x ||
    one.y + one.h <= other.y ||
    other.y + other.h <= one.y;
  return !apart;
}

function selectorsOf(expr: string): { metric: string; matchers: string }[] {
  return [...expr.matchAll(/([a-zA-Z_:][\w:]*)\{((?:[^"}]|"(?:[^"\\]|\\.)*")*)\}/g)].map(
    ([, metric = '', matchers = '']) => ({ metric, matchers }),
  );
}

/** Reads the text anew, so that a query that was not built from the catalogue is found, too. */
function unknownNames(expr: string): string[] {
  const selectors = selectorsOf(expr);
  const labels = new Set<string>([...TARGET_LABELS, 'le']);
  const unknown: string[] = [];
  for (const { metric, matchers } of selectors) {
    const declared =
      METRICS[metric as MetricName] ?? METRICS[metric.replace(/_(bucket|count|sum)$/, '') as MetricName];
    if (declared === undefined) unknown.push(metric);
    const own = [...(declared?.labels ?? []), ...TARGET_LABELS, 'le'];
    for (const label of own) labels.add(label);
    const matched = [...matchers.matchAll(/(\w+)(?:=~|!~|!=|=)"/g)].map(([, label = '']) => label);
    unknown.push(...matched.filter((label) => !own.includes(label)).map((label) => `${metric}{${label}}`));
  }
  const grouped = [...expr.matchAll(/(?:by|on|group_left) \(([^)]*)\)/g)].flatMap(([, list = '']) =>
    list.split(', '),
  );
  unknown.push(...grouped.filter((label) => label !== '' && !labels.has(label)));
  // Without its selectors, groupings and numbers, a query is made of functions and operators.
  const rest = expr
    .replaceAll(/[a-zA-Z_:][\w:]*\{(?:[^"}]|"(?:[^"\\]|\\.)*")*\}(\[[^\]]*\])?/g, '')
    .replaceAll(/(by|on|group_left) \([^)]*\)/g, '');
  const words = [...rest.matchAll(/[a-zA-Z_]\w*/g)].map(([word]) => word);
  return [...unknown, ...words.filter((word) => !FUNCTIONS.has(word))];
}

const FUNCTIONS = new Set(
  'sum max min avg count topk rate increase delta deriv changes max_over_time predict_linear histogram_quantile time or and unless'.split(
    ' ',
  ),
);

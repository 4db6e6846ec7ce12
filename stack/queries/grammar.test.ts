/** Every query that is generated, wherever it ended up, is read by the grammar that Prometheus’ and Grafana’s own editors use. */
import { parser as logql } from '@grafana/lezer-logql';
import { parser as promql } from '@prometheus-io/lezer-promql';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';

import { stackFiles } from '#stack/stack-files.ts';

interface Query {
  file: string;
  language: 'promql' | 'logql';
  text: string;
}

const queries = Object.entries(stackFiles()).flatMap(([file, text]) =>
  queriesIn(contentOf(file, text)).map((query) => ({ file, ...query })),
);
const of = (language: Query['language']): Query[] => queries.filter((query) => query.language === language);

describe('the grammar of', () => {
  it('PromQL reads every query of dashboards, rules and the Admin UI', () => {
    expect(foldersOf(of('promql'))).toEqual(['alertmanager', 'dashboards', 'queries.json', 'rules']);
    expect(of('promql').length).toBeGreaterThan(250);
    expect(of('promql').filter(({ text }) => !isRead(promql, text))).toEqual([]);
  });

  it('LogQL reads every query of dashboards, data sources and the Admin UI', () => {
    expect(foldersOf(of('logql'))).toEqual(['dashboards', 'grafana', 'queries.json']);
    expect(of('logql').filter(({ text }) => !isRead(logql, text))).toEqual([]);
  });

  it.each([
    ['PromQL', promql, 'sum by (service) (rate(http_requests_total[5m])'],
    ['PromQL', promql, 'up{env=prod}'],
    ['LogQL', logql, '{env="prod" | level="error"'],
    ['LogQL', logql, 'sum by (service) (rate({env="prod"}))'],
  ])('%s refuses what is broken', (_, parser, text) => {
    expect(isRead(parser, text)).toBe(false);
  });
});

/** Whether the grammar has nothing against the text, in which placeholders stand for values and ranges. */
function isRead(parser: typeof promql, text: string): boolean {
  const filled = text
    .replaceAll(/\$\$?\{\w+\}/g, 'chosen')
    .replaceAll(/\[\$(?:__rate_interval|__interval|__auto|window)\]/g, '[5m]');
  let read = true;
  parser.parse(filled).iterate({
    enter: ({ type }) => {
      if (type.isError) read = false;
    },
  });
  return read;
}

function contentOf(file: string, text: string): unknown {
  if (file.endsWith('.json')) return JSON.parse(text);
  return file.endsWith('.yaml') ? parse(text) : null;
}

/** All queries in a file, by the keys that hold them; the language by the data source or by a key beside it. */
function queriesIn(value: unknown, language: Query['language'] = 'promql'): Omit<Query, 'file'>[] {
  if (Array.isArray(value)) return value.flatMap((item) => queriesIn(item, language));
  if (typeof value !== 'object' || value === null) return [];
  const own = languageOf(value) ?? language;
  return Object.entries(value).flatMap(([key, inner]) => {
    if (typeof inner === 'string' && ['expr', 'expression', 'tenant_expression'].includes(key))
      return inner.startsWith('/') ? [] : [{ language: own, text: inner }];
    // A variable asks for the values of a label.
    const values =
      key === 'query' && typeof inner === 'string' ? /^label_values\((.*), \w+\)$/.exec(inner) : null;
    return values ? [{ language: own, text: values[1] ?? '' }] : queriesIn(inner, own);
  });
}

function languageOf(value: object): Query['language'] | undefined {
  if ('language' in value) return value.language === 'logql' ? 'logql' : 'promql';
  // Of a correlation, the query is for where it leads.
  const source =
    'targetUID' in value ? value.targetUID : 'datasource' in value ? uidOf(value.datasource) : null;
  if (source === null) return undefined;
  return source === 'cloudlysis-logs' ? 'logql' : 'promql';
}

function uidOf(datasource: unknown): unknown {
  return typeof datasource === 'object' && datasource !== null && 'uid' in datasource ? datasource.uid : null;
}

/** What stands below `stack/generated/` and has queries. */
function foldersOf(found: Query[]): string[] {
  return [...new Set(found.map(({ file }) => file.split('/')[2] ?? ''))].toSorted();
}

import { parser as logql } from '@grafana/lezer-logql';
import { parser as promql } from '@prometheus-io/lezer-promql';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { QUERY_LIMITS, type NamedQuery } from '#contract/observability.ts';
import { fillExpression, narrowingProblems, rangeOf } from './query-rules.ts';
import { NAMED_QUERIES } from './stack-registry.ts';

const NOW = Date.parse('2026-05-01T12:00:07.500Z');
/** What ends strings, matchers and lines, or looks like a placeholder. */
const HOSTILE = [
  '"',
  "'",
  '\\',
  '`',
  '{',
  '}',
  '[',
  ']',
  '(',
  ')',
  '|',
  '=',
  '~',
  ',',
  '\n',
  '\r',
  '\t',
  '\0',
  '$',
  '.',
  ' ',
  '#',
  'a',
  '$service',
  '\u2028',
];
const at = (seconds_ago: number) => new Date(NOW - seconds_ago * 1000).toISOString();

describe('a range', () => {
  it('is the last hour at whole steps when nothing is asked for', () => {
    const range = rangeOf({}, NOW);
    expect(range).toEqual({
      from_s: Date.parse('2026-05-01T11:00:00Z') / 1000,
      to_s: Date.parse('2026-05-01T12:00:00Z') / 1000,
      step_s: 15,
    });
  });

  it('never has more points than a series may have, whatever is asked for', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 30 * 86_400 }),
        fc.integer({ min: -100, max: 30 * 86_400 }),
        fc.option(fc.integer({ min: QUERY_LIMITS.shortest_step_s, max: 100_000 }), { nil: undefined }),
        (begin, length, step_s) => {
          const range = rangeOf({ from: at(begin), to: at(begin - length), step_s }, NOW);
          if ('field' in range) return;
          const { from_s, to_s, step_s: step } = range;
          expect((to_s - from_s) / step + 1).toBeLessThanOrEqual(QUERY_LIMITS.most_points);
          expect(to_s - from_s).toBeLessThan(QUERY_LIMITS.longest_range_s + step);
          expect([from_s % step, to_s % step]).toEqual([0, 0]);
        },
      ),
    );
  });

  it.each([
    ['more than a week', { from: at(8 * 86_400) }, 'from', 'must be at most 7 days before `to`'],
    ['no time', { from: at(60), to: at(60) }, 'from', 'must be before `to`'],
    ['time that runs backwards', { from: at(60), to: at(120) }, 'from', 'must be before `to`'],
    ['a leap second', { from: '2016-12-31T23:59:60Z' }, 'from', 'and `to` take no leap seconds'],
    [
      'too many steps',
      { from: at(86_400), step_s: 5 },
      'step_s',
      'must be at least 174 for this range: a series has at most 500 points',
    ],
  ])('of %s is refused with what would do', (_what, given, field, message) => {
    expect(rangeOf(given, NOW)).toEqual({ field, message });
  });

  it('takes the step that its own refusal names', () => {
    expect(rangeOf({ from: at(86_400), step_s: 174 }, NOW)).toMatchObject({ step_s: 174 });
  });
});

describe('narrowing', () => {
  const query = { name: 'lag', required: ['service'], optional: ['node_id'] } satisfies Partial<NamedQuery>;

  it('is refused where the query cannot, with what it takes', () => {
    expect(narrowingProblems(query, { service: 'runner', tenant_id: 'acme' })).toEqual([
      { field: 'tenant_id', message: 'cannot narrow the query lag, which takes service, node_id' },
    ]);
  });

  it('is demanded where the query needs it', () => {
    expect(narrowingProblems(query, {})).toEqual([
      { field: 'service', message: 'is needed by the query lag' },
    ]);
  });
});

describe('an expression', () => {
  const query = (expression: string, tenant_expression: string | null = null) => ({
    expression,
    tenant_expression,
  });

  it('matches a value alone, and anything where none is given', () => {
    const template = query('x{env="$environment", instance=~"$node_id", service=~"$service"}[$window]');
    expect(fillExpression(template, { environment: 'prod', node_id: 'gw.1', step_s: 300 })).toBe(
      String.raw`x{env="prod", instance=~"gw\\.1", service=~".*"}[300s]`,
    );
  });

  it('is another one where a tenant is named, if the query has one', () => {
    const template = query('all', 'one{tenant_id=~"$tenant_id"}');
    expect(fillExpression(template, { environment: 'prod' })).toBe('all');
    expect(fillExpression(template, { environment: 'prod', tenant_id: 'acme' })).toBe(
      'one{tenant_id=~"acme"}',
    );
  });

  const shapeOf = (language: NamedQuery['language'], text: string): string => {
    const names: string[] = [];
    const parser = language === 'promql' ? promql : logql;
    parser.parse(text).iterate({ enter: ({ type }) => void names.push(type.isError ? '⚠' : type.name) });
    return names.join(' ');
  };
  const hostile = fc.oneof(fc.string({ unit: 'binary' }), fc.string({ unit: fc.constantFrom(...HOSTILE) }));

  it.each(NAMED_QUERIES.map((each) => [each.name, each] as const))(
    'of %s keeps its structure whatever the values hold',
    (_name, named) => {
      const filled = (value: string) =>
        fillExpression(named, { environment: value, service: value, tenant_id: value, node_id: value });
      const shape = shapeOf(named.language, filled('a'));
      expect(shape).not.toContain('⚠');
      expect(filled('a')).not.toContain('$');
      fc.assert(
        fc.property(hostile, (value) => {
          expect(shapeOf(named.language, filled(value))).toBe(shape);
        }),
      );
    },
  );

  it('has the very value in its string', () => {
    fc.assert(
      fc.property(hostile, (value) => {
        const text = fillExpression(query('x{env="$environment"}'), { environment: value });
        const string = text.slice('x{env='.length, -1);
        // What is escaped here is escaped in JSON the same way.
        const decoded: unknown = JSON.parse(string);
        expect(decoded).toBe(value);
      }),
    );
  });
});

import { expect, test } from 'vitest';
import { manyValues, oneValue, parseSearch, stringifySearch } from './search-params.ts';

test('a repeated parameter is a list, and comes back as it was', () => {
  const text = '?status=active&status=degraded&q=acme+42&env=prod';
  const search = parseSearch(text);
  expect(search).toEqual({ status: ['active', 'degraded'], q: 'acme 42', env: 'prod' });
  expect(stringifySearch(search)).toBe(text);
});

test('empty values and what is no text leave the URL', () => {
  expect(stringifySearch({ q: '', sort: undefined, limit: 3, plan: ['gold', ''] })).toBe('?plan=gold');
  expect(stringifySearch({})).toBe('');
});

test('a parameter is read as one value or as many, whatever was written', () => {
  expect([oneValue(['a', 'b']), oneValue('a'), oneValue(undefined)]).toEqual(['a', 'a', undefined]);
  expect([manyValues('a'), manyValues(['a', 'b']), manyValues(undefined)]).toEqual([['a'], ['a', 'b'], []]);
});

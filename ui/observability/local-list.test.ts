import { describe, expect, it } from 'vitest';
import { matches, optionsOf } from './local-list.ts';

const fields = { severity: 'page', service: null };

describe('a filtered list', () => {
  it('keeps a row that has one of the chosen values under every filter', () => {
    expect(matches(fields, [], { values: { severity: ['page', 'ticket'], service: [] }, q: '' })).toBe(true);
    expect(matches(fields, [], { values: { severity: ['ticket'] }, q: '' })).toBe(false);
    expect(matches(fields, [], { values: { service: ['gateway'] }, q: '' })).toBe(false);
  });
  it('searches in the words of a row, whatever their case', () => {
    expect(matches(fields, ['prod-prj-2', null], { values: {}, q: ' PRJ ' })).toBe(true);
    expect(matches(fields, [null], { values: {}, q: 'prj' })).toBe(false);
  });
  it('offers each value once', () => {
    expect(optionsOf(['runner', null, 'gateway', 'runner']).map(({ value }) => value)).toEqual([
      'gateway',
      'runner',
    ]);
  });
});

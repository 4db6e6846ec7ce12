import { expect, test } from 'vitest';
import { askable, WHOLE_ADDRESS, WHOLE_SLUG, WHOLE_UUID } from './list-search-rules.ts';
import type { ListFilter } from './list-search.ts';

const FILTERS: readonly ListFilter[] = [
  { type: 'text', name: 'tenant_id', label: 'Tenant', whole: WHOLE_SLUG },
  { type: 'text', name: 'job_id', label: 'Job', whole: WHOLE_UUID },
  { type: 'text', name: 'actor', label: 'Actor' },
  { type: 'many', name: 'status', label: 'Status', options: [] },
];

test('whole values are asked, one or many as the filter takes them', () => {
  const values = { tenant_id: ['acme-42'], actor: ['a'], status: ['active', 'draining'] };
  expect(askable(FILTERS, values)).toEqual({
    query: { tenant_id: 'acme-42', actor: 'a', status: ['active', 'draining'] },
    incomplete: [],
  });
});

test('an id that is still being typed is named and not asked', () => {
  expect(askable(FILTERS, { tenant_id: ['a'], job_id: ['0198c5b4-7e'], status: [] })).toEqual({
    query: {},
    incomplete: ['Tenant', 'Job'],
  });
});

test.each(['203.0.113.7', '203.0.113.0/24', '2001:db8::/48', '::1', '1:2:3:4:5:6:7:8'])(
  '%s is an address or a network',
  (text) => expect(text).toMatch(WHOLE_ADDRESS),
);

test.each(['203.0.113', '203.0.113.', '203.0.113.0/', '2001:db8', 'localhost'])(
  '%s is not whole yet',
  (text) => expect(text).not.toMatch(WHOLE_ADDRESS),
);

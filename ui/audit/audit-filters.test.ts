import { expect, it } from 'vitest';
import { completeFilters } from './audit-filters.ts';

it('asks only for ids that are whole, and names the others', () => {
  const whole = { tenant_id: 'acme-42', job_id: '0198c5b4-7e1a-7000-8000-000000000001', actor: 'a' };
  expect(completeFilters(whole)).toEqual({ query: whole, incomplete: [] });
  expect(completeFilters({ tenant_id: 'a', job_id: '0198c5b4-7e', outcome: 'denied' })).toEqual({
    query: { outcome: 'denied' },
    incomplete: ['tenant', 'job'],
  });
});

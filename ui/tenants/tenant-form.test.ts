import { expect, test } from 'vitest';
import { createBody, emptyTenantForm, rebase, updateBody } from './tenant-form.ts';

const base = {
  ...emptyTenantForm(['prod']),
  tenant_id: 'acme-42',
  name: 'Acme',
  contact: { name: 'Dana', email: '', phone: '' },
};

test('a new tenant is sent without the fields that were left empty', () => {
  expect(createBody(base)).toEqual({
    tenant_id: 'acme-42',
    name: 'Acme',
    plan: 'bronze',
    environments: ['prod'],
    quotas: {},
    feature_flags: {},
    contact: { name: 'Dana' },
    billing: {},
  });
});

test('a change sends only what differs from what was read', () => {
  const after = { ...base, plan: 'gold' as const, reason: ' upsell ' };
  expect(updateBody(base, after)).toEqual({ plan: 'gold', reason: 'upsell' });
});

test('re-applying keeps my fields, takes theirs, and names the fields that both have changed', () => {
  const mine = { ...base, plan: 'gold' as const, name: 'Acme Inc' };
  const current = { ...base, name: 'Acme Ltd', contact: { name: 'Fox', email: '', phone: '' } };
  const { values, conflicts, theirs } = rebase(base, mine, current);
  expect(values).toMatchObject({ plan: 'gold', name: 'Acme Inc', contact: { name: 'Fox' } });
  expect(conflicts).toEqual(['name']);
  expect(theirs.map(({ path }) => path)).toEqual(['name', 'contact']);
});

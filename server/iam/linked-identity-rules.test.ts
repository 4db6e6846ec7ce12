import { describe, expect, it } from 'vitest';
import { describeIdentity } from './linked-identity-rules.ts';

const row = (provider_id: string, issuer: string) => ({
  identity_id: '0199b3d4-0000-7000-8000-000000000000',
  provider_id,
  issuer,
  subject: 'person-1',
  email: null,
  created_at: '2026-01-01T00:00:00Z',
  last_used_at: null,
});
const corp = { provider_id: 'corp', title: 'Corp', issuer: 'https://corp.example' };
const gateway = { issuer_id: 'gateway', title: 'Gateway', issuer: 'https://gateway.example/' };

describe('a linked account', () => {
  it.each([
    ['of a provider signs in', row('corp', 'https://corp.example/'), 'Corp', ['sign_in']],
    [
      'of a token issuer lets its tokens act',
      row('gateway', 'https://gateway.example/'),
      'Gateway',
      ['tokens'],
    ],
    [
      'of an issuer that is written otherwise opens nothing',
      row('gateway', 'https://gateway.example'),
      null,
      [],
    ],
    ['of what is configured no longer opens nothing', row('old', 'https://old.example'), null, []],
  ])('%s', (_name, identity, title, opens) => {
    const sources = { providers: [corp], issuers: [gateway] };
    expect(describeIdentity(identity, sources)).toMatchObject({ title, opens });
  });

  it('of one that is both does both, whichever it was linked through', () => {
    const sources = { providers: [corp], issuers: [{ ...gateway, issuer: corp.issuer }] };
    for (const provider_id of ['corp', 'gateway'])
      expect(describeIdentity(row(provider_id, corp.issuer), sources).opens).toEqual(['sign_in', 'tokens']);
  });
});

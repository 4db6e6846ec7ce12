import { describe, expect, it } from 'vitest';
import { natsWarnings, type NatsFacts } from './nats-preflight-rules.ts';

const wanted = { bucket: 'TENANT_PLACEMENT', replicas: 3, history: 10, max_bytes: -1 };
const bucket: NatsFacts['bucket'] = {
  replicas: 3,
  history: 10,
  max_bytes: -1,
  used_bytes: 1_000,
  storage: 'file',
  max_age: 0,
  max_msgs: -1,
  discard: 'new',
  sealed: false,
  behind: [],
};
const safe: NatsFacts = {
  server_version: '2.10.27',
  encrypted: true,
  loopback: false,
  asks_for_credentials: true,
  account: { storage_used: 1_000, storage_limit: -1 },
  bucket,
  sync: [{ server: 'n1', always: true, interval_s: 0 }],
};
const production = { production: true };
const warningsOf = (facts: Partial<NatsFacts>) => natsWarnings({ ...safe, ...facts }, wanted, production);

describe('the preflight of NATS', () => {
  it('has nothing to say of a safe set-up', () => {
    expect(natsWarnings(safe, wanted, production)).toEqual([]);
  });

  it.each<[string, Partial<NatsFacts>, RegExp]>([
    ['an old server', { server_version: '2.9.10' }, /2\.9\.10.*2\.10 or newer/],
    ['a lone replica', { bucket: { ...bucket, replicas: 1 } }, /every placement is lost/],
    ['an even number of replicas', { bucket: { ...bucket, replicas: 4 } }, /no more failures than 3/],
    ['a replica that is away', { bucket: { ...bucket, behind: ['n3'] } }, /n3 .*behind or away/],
    ['another history', { bucket: { ...bucket, history: 1 } }, /history 1, the configuration says 10/],
    ['a bucket in memory', { bucket: { ...bucket, storage: 'memory' } }, /restart loses/],
    ['an age limit', { bucket: { ...bucket, max_age: 1 } }, /drops placements by itself \(max_age\)/],
    [
      'a limit that drops the oldest',
      { bucket: { ...bucket, discard: 'old', max_msgs: 5 } },
      /drops placements by itself \(discard old/,
    ],
    ['a sealed bucket', { bucket: { ...bucket, sealed: true } }, /no placement can be changed/],
    ['a late fsync', { sync: [{ server: 'n1', always: false, interval_s: 120 }] }, /n1 .*120 s.*always/],
    ['a hidden fsync', { sync: null }, /monitoring_urls/],
    ['a full account', { account: { storage_used: 90, storage_limit: 100 } }, /90 % of its 100 bytes/],
    ['an open line', { encrypted: false }, /not encrypted/],
    ['a server open to all', { asks_for_credentials: false }, /no credentials/],
  ])('names %s', (_what, facts, sentence) => {
    expect(warningsOf(facts)).toContainEqual(expect.stringMatching(sentence));
  });

  it('does not ask for encryption and credentials outside of production', () => {
    const open = { ...safe, encrypted: false, asks_for_credentials: false };
    expect(natsWarnings(open, wanted, { production: false })).toEqual([]);
  });
});

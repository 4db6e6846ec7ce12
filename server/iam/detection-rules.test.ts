import { describe, expect, it } from 'vitest';
import { failuresByAddress, foreignNetworks, isTooMany, summaryOf } from './detection-rules.ts';
import { addressKey } from './sign-in-throttle.ts';

describe('failures', () => {
  it.each([
    [4, 4, false],
    [5, 1, true],
    [9, 9, true],
    [9, 0, false],
  ])(
    '%i of them, %i since the last look, are noticed at a threshold of 5: %s',
    (failures, fresh, noticed) => {
      expect(isTooMany({ failures, fresh }, 5)).toBe(noticed);
    },
  );

  it('of the addresses that one IPv6 customer has are those of one address', () => {
    const row = (ip: string, failures: number, ...accounts: string[]) => ({
      ip,
      failures,
      fresh: 1,
      accounts,
    });
    expect(
      failuresByAddress(
        [
          row('2001:db8:5:5::1', 3, 'a@example.com', 'b@example.com'),
          row('203.0.113.7', 1, 'a@example.com'),
          row('2001:db8:5:5::2', 4, 'b@example.com'),
        ],
        addressKey,
      ),
    ).toEqual([
      {
        address: '2001:db8:5:5::/64',
        ip: '2001:db8:5:5::2',
        failures: 7,
        fresh: 2,
        accounts: ['a@example.com', 'b@example.com'],
      },
      { address: '203.0.113.7', ip: '203.0.113.7', failures: 1, fresh: 1, accounts: ['a@example.com'] },
    ]);
  });
});

describe('a session', () => {
  it.each([
    ['nowhere else', '203.0.113.7', [], 0],
    ['another network', '203.0.113.7', ['198.51.0.0/16'], 1],
    ['two other networks', '203.0.113.7', ['198.51.0.0/16', '192.0.0.0/16'], 2],
    ['the other address family', '203.0.113.7', ['2001:db8::/32'], 0],
    ['two networks of the other family', '203.0.113.7', ['2001:db8::/32', '2001:db9::/32'], 1],
    ['another network of either family', '2001:db8::1', ['198.51.0.0/16', '2001:db9::/32'], 1],
  ])('that was used from %s, opened from %s', (_where, openedFrom, networks, foreign) => {
    expect(foreignNetworks(openedFrom, networks)).toBe(foreign);
  });
});

it.each([
  [
    { kind: 'session_fan_out', measured: 12, threshold: 10 },
    'anna@example.com has 12 live sessions (threshold 10).',
  ],
  [
    { kind: 'failed_sign_ins_account', measured: 5, threshold: 5, window_s: 900 },
    '5 wrong passwords for anna@example.com in 15 minutes (threshold 5).',
  ],
  [
    {
      kind: 'failed_sign_ins_address',
      subject_label: '203.0.113.7',
      user_email: null,
      measured: 20,
      threshold: 20,
      window_s: 90,
    },
    '20 failed sign-ins from 203.0.113.7 in 90 seconds (threshold 20).',
  ],
  [
    { kind: 'failed_second_factor', measured: 1, threshold: 1, window_s: 60 },
    '1 wrong second factor for anna@example.com in 1 minute (threshold 1).',
  ],
  [
    { kind: 'ip_change', details: { opened_from: '203.0.113.7' } },
    'A session of anna@example.com that was opened from 203.0.113.7 was used from 198.51.100.4, another network.',
  ],
  [
    { kind: 'token_new_network', subject_label: 'ci', measured: 6, threshold: 5 },
    'API token ci was used from 6 networks (threshold 5).',
  ],
  [
    { kind: 'token_reuse', count: 2 },
    'A refresh token of anna@example.com that was used up came back 2 times: somebody else may have a copy.',
  ],
] as const)('$0.kind is told in one sentence', (detection, sentence) => {
  const rest = {
    subject_label: 'anna@example.com',
    user_email: 'anna@example.com',
    count: 1,
    measured: 1,
    threshold: 1,
    window_s: null,
    ip: '198.51.100.4',
    details: {},
  };
  expect(summaryOf({ ...rest, ...detection })).toBe(sentence);
});

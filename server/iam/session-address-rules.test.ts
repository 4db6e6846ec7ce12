import { describe, expect, it } from 'vitest';
import { networkOf } from './session-address-rules.ts';

describe('the network of a filter', () => {
  it.each([
    ['203.0.113.7', '203.0.113.7'],
    ['203.0.113.0/24', '203.0.113.0/24'],
    ['0.0.0.0/0', '0.0.0.0/0'],
    ['::ffff:203.0.113.7', '203.0.113.7'],
    ['2001:db8::/48', '2001:db8::/48'],
  ])('%s is taken', (given, expected) => expect(networkOf(given)).toBe(expected));

  it.each([
    '203.0.113',
    '203.0.113.0/33',
    '2001:db8::/129',
    '1.2.3.4/',
    '1.2.3.4/a',
    '999.1.1.1',
    '::1/1/2',
    'fe80::1%eth0',
  ])('%s is refused', (given) => expect(networkOf(given)).toBeNull());
});

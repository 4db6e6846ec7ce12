import { describe, expect, it } from 'vitest';
import { networkOf, sameFamily } from './ip-networks.ts';

describe('the network of an address', () => {
  it.each([
    ['203.0.113.7', '203.0.0.0/16'],
    ['::ffff:203.0.113.7', '203.0.0.0/16'],
    ['2001:db8:1:2::1', '2001:db8::/32'],
    ['2001:0db8::1', '2001:db8::/32'],
    ['fe80::1%eth0', 'fe80:0::/32'],
    ['::1', '0:0::/32'],
    ['unknown', 'unknown'],
  ])('of %s is %s', (ip, network) => {
    expect(networkOf(ip, { ipv4_prefix: 16, ipv6_prefix: 32 })).toBe(network);
  });

  it.each([
    [32, 128, '203.0.113.7', '2001:db8:1:2:3:4:5:6/128'],
    [20, 44, '203.0.112.0/20', '2001:db8:0::/44'],
    [0, 48, '0.0.0.0/0', '2001:db8:1::/48'],
  ])('is as wide as the prefix says: /%i, /%i', (ipv4_prefix, ipv6_prefix, ipv4, ipv6) => {
    expect(networkOf('203.0.113.7', { ipv4_prefix, ipv6_prefix })).toBe(ipv4);
    expect(networkOf('2001:db8:1:2:3:4:5:6', { ipv4_prefix, ipv6_prefix })).toBe(ipv6);
  });
});

it('tells the two families apart, also where an IPv4 address is written as IPv6', () => {
  expect(sameFamily('203.0.113.7', '::ffff:198.51.100.1')).toBe(true);
  expect(sameFamily('203.0.113.7', '2001:db8::1')).toBe(false);
});

/** Networks of addresses. Pure. */
import { isIPv4, isIPv6 } from 'node:net';

/** How many leading bits of an address name its network. */
export interface NetworkPrefixes {
  ipv4_prefix: number;
  ipv6_prefix: number;
}

/** An IPv4 address that is written as IPv6 (RFC 4291 2.5.5.2) as what it is; any other address as it stands. */
const unmapped = (ip: string): string => /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(ip)?.[1] ?? ip;

/** True when both addresses are IPv4, or both IPv6. */
export const sameFamily = (one: string, other: string): boolean =>
  isIPv4(unmapped(one)) === isIPv4(unmapped(other));

/** The network that an address is in: `203.0.0.0/16`, `2001:db8::/32`; a whole IPv4 address, and what is no address, as it stands. */
export function networkOf(ip: string, { ipv4_prefix, ipv6_prefix }: NetworkPrefixes): string {
  const address = unmapped(ip);
  if (isIPv4(address)) {
    if (ipv4_prefix === 32) return address;
    return `${masked(address.split('.').map(Number), 8, ipv4_prefix).join('.')}/${ipv4_prefix}`;
  }
  if (!isIPv6(address)) return address;
  const groups = masked(groupsOf(address), 16, ipv6_prefix).slice(0, Math.ceil(ipv6_prefix / 16));
  const tail = groups.length < 8 ? '::' : '';
  return `${groups.map((group) => group.toString(16)).join(':')}${tail}/${ipv6_prefix}`;
}

/** The parts of an address, of so many bits each, with all but the first `prefix` bits 0. */
const masked = (parts: readonly number[], bits: number, prefix: number): number[] =>
  parts.map((part, index) => {
    const free = Math.min(bits, Math.max(0, (index + 1) * bits - prefix));
    return Math.floor(part / 2 ** free) * 2 ** free;
  });

function groupsOf(address: string): number[] {
  const [head = '', tail] = address.replace(/%.*$/, '').split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail ? tail.split(':') : [];
  const zeros =
    tail === undefined ? [] : Array<string>(Math.max(0, 8 - left.length - right.length)).fill('0');
  return [...left, ...zeros, ...right].map((group) => Number.parseInt(group, 16));
}

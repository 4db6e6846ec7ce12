/** Pure: the address or network that a filter names. */
import { isIP } from 'node:net';

/** The filter as PostgreSQL reads an `inet`, or null when it is neither an address nor a network. IPv4 in IPv6 clothes is IPv4. */
export function networkOf(text: string): string | null {
  const [given = '', prefix, ...more] = text.split('/');
  const address = given.replace(/^::ffff:(?=[0-9.]+$)/i, '');
  // A zone (fe80::1%eth0) names an interface of one machine.
  const family = address.includes('%') ? 0 : isIP(address);
  if (family === 0 || more.length > 0) return null;
  if (prefix === undefined) return address;
  const bits = Number(prefix);
  return prefix !== '' && Number.isInteger(bits) && bits <= (family === 4 ? 32 : 128)
    ? `${address}/${bits}`
    : null;
}

import { isIPv6 } from 'node:net';

/**
 * Who is at an address, for limits: an IPv4 address, or the first 64 bits of an IPv6 address, since whoever has one has
 * 2^64 of them. A link-local one stands for itself: all neighbours share those bits.
 * Source: RFC 4291 sections 2.2, 2.5.1, 2.5.5.2 and 2.5.6; RFC 4007 section 11 for the zone.
 */
export function clientOf(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined) return mapped;
  if (!isIPv6(address) || /^fe[89ab]/i.test(address)) return address;
  const [head = '', tail] = address.replace(/%.*$/, '').toLowerCase().split('::');
  const groups = head === '' ? [] : head.split(':');
  if (tail !== undefined) {
    const last = tail === '' ? [] : tail.split(':');
    // An IPv4 address at the end stands for two groups.
    const length = groups.length + last.length + (tail.includes('.') ? 1 : 0);
    groups.push(...Array.from({ length: 8 - length }, () => '0'), ...last);
  }
  return `${groups.slice(0, 4).join(':')}::/64`;
}

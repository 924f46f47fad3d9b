import { isIPv6 } from 'node:net';

/**
 * What an address is counted by. IPv4 in IPv6 is the IPv4 address, however it came; of IPv6 the first 64 bits count: whoever
 * has one address has all of those. It is that of the socket: no header says otherwise.
 */
export function addressKey(ip: string | undefined): string {
  const address = (ip ?? 'unknown').replace(/%.*$/, '').toLowerCase();
  const inside = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/.exec(address)?.[1];
  if (inside !== undefined) return inside;
  if (!isIPv6(address)) return address;
  const [head = '', tail] = address.split('::');
  const groups = (text: string | undefined): string[] => (text ? text.split(':') : []);
  const [left, right] = [groups(head), groups(tail)];
  const between = tail === undefined ? 0 : 8 - left.length - right.length;
  const all = [...left, ...Array<string>(Math.max(0, between)).fill('0'), ...right];
  const network = all.slice(0, 4).map((group) => Number.parseInt(group, 16).toString(16));
  return `${network.join(':')}::/64`;
}

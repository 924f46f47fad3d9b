import { BlockList, isIP } from 'node:net';

/**
 * Addresses that are nobody's outside: of this machine, its network, its links and its cloud, and those that are reserved;
 * an IPv4 address within an IPv6 one counts. One list: for what calls would reach, and for what this installation sends itself.
 */
const inside = new BlockList();
for (const [net, prefix] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['224.0.0.0', 3],
] as const) {
  inside.addSubnet(net, prefix);
}
for (const [net, prefix] of [
  ['::', 96],
  ['64:ff9b::', 96],
  ['64:ff9b:1::', 48],
  ['100::', 64],
  ['2001::', 32],
  ['2002::', 16],
  ['fc00::', 7],
  ['fe80::', 10],
  ['fec0::', 10],
  ['ff00::', 8],
] as const) {
  inside.addSubnet(net, prefix, 'ipv6');
}

/** Where a cloud tells its machines who they are, and gives them keys. */
const metadata = new BlockList();
for (const ip of [
  '169.254.169.254',
  '169.254.170.2',
  '169.254.170.23',
  '100.100.100.200',
  '192.0.0.192',
  '168.63.129.16',
]) {
  metadata.addAddress(ip);
}
metadata.addAddress('fd00:ec2::254', 'ipv6');

/** IPv4 addresses inside IPv6 ones count as what they are: BlockList looks into the mapped form itself. */
function listed(list: BlockList, address: string): boolean {
  const version = isIP(address);
  return version !== 0 && list.check(address, version === 6 ? 'ipv6' : 'ipv4');
}

/** False for what is no address. */
export const isPrivateAddress = (address: string): boolean => listed(inside, address);
/** False for what is no address. */
export const isMetadataAddress = (address: string): boolean => listed(metadata, address);

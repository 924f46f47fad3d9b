import { addressKey } from '../../api/http/address';

test('an address is counted by what its holder cannot change', () => {
  const keys = [
    '192.0.2.7', '::ffff:192.0.2.7', '::FFFF:192.0.2.8', '2001:db8:1:2:3:4:5:6', '2001:db8:1:2::9', '2001:db8:1:3::9', '::1',
    'fe80::1%eth0', undefined,
  ].map(addressKey); // prettier-ignore
  expect(keys).toEqual([
    '192.0.2.7', '192.0.2.7', '192.0.2.8', '2001:db8:1:2::/64', '2001:db8:1:2::/64', '2001:db8:1:3::/64', '0:0:0:0::/64',
    'fe80:0:0:0::/64', 'unknown',
  ]); // prettier-ignore
});

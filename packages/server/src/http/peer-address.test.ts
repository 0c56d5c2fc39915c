import { expect, test } from 'vitest';

import { peerAddress, peerOf } from './peer-address.js';

test.each([
  ['::ffff:192.0.2.1', '192.0.2.1', '192.0.2.1'],
  ['192.0.2.1', '192.0.2.1', '192.0.2.1'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
  ['2001:db8::6', '2001:db8::6', '2001:db8:0:0'],
  ['::1', '::1', '0:0:0:0'],
  ['fe80::1%eth0', 'fe80::1%eth0', 'fe80:0:0:0'],
  [undefined, '', ''],
])('%s is written %j and counts as %j', (remote, address, peer) => {
  expect([peerAddress(remote), peerOf(peerAddress(remote))]).toEqual([address, peer]);
});

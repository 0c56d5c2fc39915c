import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { utils } from 'ssh2';
import { expect, test } from 'vitest';

import { deriveGuestKeys, publicKeyBlob } from './guest-keys.js';

const seed = Buffer.from(Array.from({ length: 64 }, (_, index) => index));

test('the same seed gives the same two different pairs, another seed others', () => {
  const keys = deriveGuestKeys(seed);
  expect(deriveGuestKeys(Buffer.from(seed))).toEqual(keys);
  expect(keys.clientPublic).not.toBe(keys.hostPublic);
  expect(deriveGuestKeys(Buffer.alloc(64)).clientPublic).not.toBe(keys.clientPublic);
});

test('the public key is the one of RFC 8032 for that seed', () => {
  // Section 7.1, test 1.
  const known = Buffer.from('9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60', 'hex');
  const point = 'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a';
  const { clientPublic } = deriveGuestKeys(Buffer.concat([known, known]));
  expect(publicKeyBlob(clientPublic).toString('hex').endsWith(point)).toBe(true);
});

test('ssh2 and OpenSSH read the private keys and find the public ones in them', () => {
  const keys = deriveGuestKeys(seed);
  const parsed = utils.parseKey(keys.clientPrivate);
  if (parsed instanceof Error) throw parsed;
  expect(parsed.getPublicSSH()).toEqual(publicKeyBlob(keys.clientPublic));
  const folder = mkdtempSync(path.join(tmpdir(), 'murmur-keys-'));
  try {
    const file = path.join(folder, 'key');
    writeFileSync(file, keys.hostPrivate, { mode: 0o600 });
    expect(execFileSync('ssh-keygen', ['-y', '-f', file], { encoding: 'utf8' }).trim()).toBe(keys.hostPublic);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('a seed of another length is refused', () => {
  expect(() => deriveGuestKeys(Buffer.alloc(32))).toThrow('64 bytes');
});

import { createHash, createPrivateKey, createPublicKey } from 'node:crypto';

import type { GuestKeys } from './substrate.js';

const keyType = 'ssh-ed25519';
/** What stands before the 32 bytes of an ed25519 seed in a PKCS #8 document (RFC 8410, section 7). */
const pkcs8Prefix = Buffer.from('302e020100300506032b657004220420', 'hex');

/**
 * The two key pairs of one machine from 64 bytes of secret seed: the first half makes the client's pair, the second the
 * host's. The same seed gives the same keys, so that a restarted server finds its way back in without storing a key.
 */
export function deriveGuestKeys(seed: Buffer): GuestKeys {
  if (seed.length !== 64) throw new RangeError(`guest keys need 64 bytes of seed, not ${seed.length}`);
  const client = ed25519Pair(seed.subarray(0, 32));
  const host = ed25519Pair(seed.subarray(32));
  return { clientPrivate: client.privateFile, clientPublic: client.publicLine, hostPrivate: host.privateFile, hostPublic: host.publicLine };
}

/** The wire form of a `ssh-ed25519 AAAA…` line, as a server presents it in the key exchange. */
export function publicKeyBlob(publicLine: string): Buffer {
  const [type, encoded] = publicLine.trim().split(/\s+/);
  if (type !== keyType || encoded === undefined) throw new TypeError('not an ssh-ed25519 public key line');
  return Buffer.from(encoded, 'base64');
}

function ed25519Pair(seed: Buffer): { privateFile: string; publicLine: string } {
  const privateKey = createPrivateKey({ key: Buffer.concat([pkcs8Prefix, seed]), format: 'der', type: 'pkcs8' });
  const spki = createPublicKey(privateKey).export({ format: 'der', type: 'spki' });
  const point = spki.subarray(spki.length - 32);
  const publicBlob = Buffer.concat([sshString(keyType), sshString(point)]);
  return { privateFile: opensshPrivateKey(seed, point, publicBlob), publicLine: `${keyType} ${publicBlob.toString('base64')}` };
}

/** OpenSSH's own private key format, unencrypted (PROTOCOL.key in its sources). */
function opensshPrivateKey(seed: Buffer, point: Buffer, publicBlob: Buffer): string {
  // The check number only tells a wrong passphrase apart; taking it from the seed keeps the file the same every time.
  const check = createHash('sha256').update('check').update(seed).digest().subarray(0, 4);
  const body = Buffer.concat([check, check, sshString(keyType), sshString(point), sshString(Buffer.concat([seed, point])), sshString('')]);
  const padding = Buffer.from(Array.from({ length: (8 - (body.length % 8)) % 8 }, (_, index) => index + 1));
  const file = Buffer.concat([
    Buffer.from('openssh-key-v1\0'),
    sshString('none'),
    sshString('none'),
    sshString(''),
    uint32(1),
    sshString(publicBlob),
    sshString(Buffer.concat([body, padding])),
  ]);
  const lines = file.toString('base64').match(/.{1,70}/g) ?? [];
  return ['-----BEGIN OPENSSH PRIVATE KEY-----', ...lines, '-----END OPENSSH PRIVATE KEY-----', ''].join('\n');
}

function sshString(value: string | Buffer): Buffer {
  const bytes = typeof value === 'string' ? Buffer.from(value) : value;
  return Buffer.concat([uint32(bytes.length), bytes]);
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

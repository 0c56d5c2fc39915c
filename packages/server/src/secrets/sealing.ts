import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';

import { MurmurError } from '@murmur/api';

const version = 1;
const nonceLength = 12;
const tagLength = 16;
const headLength = 1 + nonceLength;

/**
 * Encrypts with AES-256-GCM under a 32-byte key: a version byte, a random nonce, the ciphertext, the tag.
 * The associated text is not stored; opening needs the same one, which ties the value to its place.
 */
export function sealWith(key: Buffer, plaintext: Buffer, associated: string): Buffer {
  const head = Buffer.concat([Buffer.of(version), randomBytes(nonceLength)]);
  const cipher = createCipheriv('aes-256-gcm', key, head.subarray(1), { authTagLength: tagLength });
  cipher.setAAD(authenticated(associated));
  return Buffer.concat([head, cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
}

/** Opens what {@link sealWith} made. Throws INTERNAL when it was damaged, sealed under another key or for another place. */
export function openWith(key: Buffer, sealed: Buffer, associated: string): Buffer {
  if (sealed[0] !== version || sealed.length < headLength + tagLength) throw unopenable();
  const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(1, headLength), { authTagLength: tagLength });
  decipher.setAAD(authenticated(associated));
  decipher.setAuthTag(sealed.subarray(-tagLength));
  try {
    return Buffer.concat([decipher.update(sealed.subarray(headLength, -tagLength)), decipher.final()]);
  } catch (cause) {
    throw unopenable(cause);
  }
}

/** The version is authenticated too, so that a later format cannot be passed off as this one. */
function authenticated(associated: string): Buffer {
  return Buffer.concat([Buffer.of(version), Buffer.from(associated)]);
}

function unopenable(cause?: unknown): MurmurError {
  return new MurmurError('INTERNAL', 'an encrypted value cannot be opened: it is damaged, or was sealed for something else', { cause });
}

import { expect, test } from 'vitest';

import { kernelRelease, unpackKernel } from './kernel-image.js';

/** A bzImage with nothing in it but where its payload lies. */
function bzImage(payload: Buffer): Buffer {
  const image = Buffer.alloc(1024);
  image[0x1f1] = 1;
  image.write('HdrS', 0x202);
  image.writeUInt32LE(0, 0x248);
  image.writeUInt32LE(payload.length, 0x24c);
  return Buffer.concat([image, payload]);
}

function lz4Legacy(blocks: readonly Buffer[], unpackedLength: number): Buffer {
  const framed = blocks.flatMap((block) => [uint32(block.length), block]);
  return Buffer.concat([Buffer.from('02214c18', 'hex'), ...framed, uint32(unpackedLength)]);
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

test('a kernel packed with LZ4 comes out with its repeats, overlapping ones too', () => {
  // Four literals, then twelve bytes from four back, then three literals: token, literals, distance.
  const block = Buffer.concat([Buffer.from([0x48]), Buffer.from('abcd'), Buffer.from([4, 0]), Buffer.from([0x30]), Buffer.from('end')]);
  const image = bzImage(lz4Legacy([block], 19));
  expect(unpackKernel(image).toString()).toBe('abcdabcdabcdabcdend');
});

test('long literals count on over several length bytes', () => {
  const literals = Buffer.alloc(15 + 255 + 3, 'x');
  const block = Buffer.concat([Buffer.from([0xf0, 255, 3]), literals]);
  expect(unpackKernel(bzImage(lz4Legacy([block], literals.length)))).toEqual(literals);
});

test('a kernel packed otherwise stays as it is', () => {
  const image = bzImage(Buffer.from('fd377a585a0000000000', 'hex'));
  expect(unpackKernel(image)).toBe(image);
  const elf = Buffer.from('7f454c46', 'hex');
  expect(unpackKernel(elf)).toBe(elf);
});

test('a damaged one is refused', () => {
  const backTooFar = Buffer.from([0x10, 0x61, 9, 0]);
  expect(() => unpackKernel(bzImage(lz4Legacy([backTooFar], 5)))).toThrow('damaged');
});

test('a bzImage says which kernel it is, and another file says nothing', () => {
  const image = Buffer.alloc(4096);
  image.write('HdrS', 0x202);
  image.writeUInt16LE(0x400, 0x20e);
  image.write('6.1.0-37-amd64 (debian-kernel@lists.debian.org) #1 SMP\0', 0x600);
  expect(kernelRelease(image)).toBe('6.1.0-37-amd64');
  image.write('$(reboot) #1\0', 0x600);
  expect(kernelRelease(image)).toBeUndefined();
  expect(kernelRelease(Buffer.alloc(4096))).toBeUndefined();
});

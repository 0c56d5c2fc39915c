/** The start of LZ4's legacy frame, which the kernel's build uses. */
const lz4Legacy = 0x184c2102;
/** A legacy frame's blocks hold this much each, the last one less. */
const blockBytes = 8 * 1024 * 1024;

/**
 * The kernel as an ELF file that QEMU starts directly, taken out of a bzImage, where it is packed with LZ4; any other kernel
 * comes back as it is. Unpacking inside a guest costs half a second of every boot under translation.
 */
export function unpackKernel(image: Buffer): Buffer {
  const payload = bzImagePayload(image);
  if (payload === undefined || payload.length < 8 || payload.readUInt32LE(0) !== lz4Legacy) return image;
  // The payload ends in four bytes that say how long the unpacked kernel is.
  const end = payload.length - 4;
  const unpacked = Buffer.alloc(payload.readUInt32LE(end));
  let length = 0;
  for (let at = 4; at + 4 <= end;) {
    const packed = payload.readUInt32LE(at);
    const block = payload.subarray(at + 4, at + 4 + packed);
    length += decodeBlock(block, unpacked.subarray(length, length + blockBytes));
    at += 4 + packed;
  }
  if (length !== unpacked.length) throw new Error(`the kernel unpacked to ${length} bytes instead of ${unpacked.length}`);
  return unpacked;
}

/** What `uname -r` says under this kernel, or undefined where it is no bzImage (boot.rst: `kernel_version`). */
export function kernelRelease(image: Buffer): string | undefined {
  if (image.length < 0x264 || image.toString('latin1', 0x202, 0x206) !== 'HdrS') return undefined;
  const start = image.readUInt16LE(0x20e) + 0x200;
  return /^[\w.+~-]{1,64}(?=[ \0])/.exec(image.toString('latin1', start, start + 65))?.[0];
}

/** The packed kernel inside a bzImage (Documentation/arch/x86/boot.rst: `setup_sects`, `payload_offset`, `payload_length`). */
function bzImagePayload(image: Buffer): Buffer | undefined {
  if (image.length < 0x264 || image.toString('latin1', 0x202, 0x206) !== 'HdrS') return undefined;
  const start = ((image[0x1f1] ?? 0) + 1) * 512 + image.readUInt32LE(0x248);
  return image.subarray(start, start + image.readUInt32LE(0x24c));
}

/** Decodes one LZ4 block (lz4_Block_format.md) and returns how many bytes it came to. */
function decodeBlock(block: Buffer, out: Buffer): number {
  let [from, to] = [0, 0];
  const longer = (start: number) => {
    let length = start;
    for (let byte = start === 15 ? 255 : 0; byte === 255; length += byte) byte = block[from++] ?? 0;
    return length;
  };
  while (from < block.length) {
    const token = block[from++] ?? 0;
    const literals = longer(token >> 4);
    block.copy(out, to, from, from + literals);
    from += literals;
    to += literals;
    if (from >= block.length) break;
    const distance = block.readUInt16LE(from);
    from += 2;
    const length = longer(token & 15) + 4;
    if (distance === 0 || distance > to) throw new Error('the packed kernel is damaged');
    if (distance >= length) out.copyWithin(to, to - distance, to - distance + length);
    else for (let index = 0; index < length; index++) out[to + index] = out[to + index - distance] ?? 0;
    to += length;
  }
  return to;
}

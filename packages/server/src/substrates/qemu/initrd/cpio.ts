const trailer = 'TRAILER!!!';
const headerBytes = 110;

/** One entry of an initramfs. */
export interface CpioEntry {
  /** Relative, without a leading slash. */
  readonly path: string;
  /** File type and permission bits, such as `0o100755`. */
  readonly mode: number;
  readonly content?: Buffer;
  /** Major and minor number of a device node. */
  readonly device?: readonly [number, number];
}

/** An initramfs archive in the kernel's `newc` format (Documentation/driver-api/early-userspace/buffer-format.rst). */
export function cpioArchive(entries: readonly CpioEntry[]): Buffer {
  return Buffer.concat([...entries, { path: trailer, mode: 0 }].flatMap(encode));
}

/** The entries of such an archive, which one of ours is: without links between files. */
export function readCpio(archive: Buffer): readonly CpioEntry[] {
  const entries: CpioEntry[] = [];
  for (let at = 0; ;) {
    if (archive.toString('latin1', at, at + 6) !== '070701') throw new Error('not an initramfs of ours');
    const field = (index: number) => Number.parseInt(archive.toString('latin1', at + 6 + index * 8, at + 14 + index * 8), 16);
    const [mode, size, nameSize] = [field(1), field(6), field(11)];
    const name = archive.toString('utf8', at + headerBytes, at + headerBytes + nameSize - 1);
    if (name === trailer) return entries;
    const start = aligned(at + headerBytes + nameSize);
    const isDevice = (mode & 0o170000) === 0o020000;
    entries.push({
      path: name,
      mode,
      ...(size === 0 ? {} : { content: archive.subarray(start, start + size) }),
      ...(isDevice ? { device: [field(9), field(10)] as const } : {}),
    });
    at = aligned(start + size);
  }
}

function aligned(offset: number): number {
  return Math.ceil(offset / 4) * 4;
}

function encode(entry: CpioEntry, index: number): Buffer[] {
  const name = Buffer.from(`${entry.path}\0`);
  const content = entry.content ?? Buffer.alloc(0);
  const [major, minor] = entry.device ?? [0, 0];
  const fields = [index + 1, entry.mode, 0, 0, 1, 0, content.length, 0, 0, major, minor, name.length, 0];
  const header = Buffer.from(`070701${fields.map((field) => field.toString(16).padStart(8, '0')).join('')}`);
  return [header, name, padding(header.length + name.length), content, padding(content.length)];
}

function padding(length: number): Buffer {
  return Buffer.alloc((4 - (length % 4)) % 4);
}

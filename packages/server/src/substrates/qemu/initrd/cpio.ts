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
  return Buffer.concat([...entries, { path: 'TRAILER!!!', mode: 0 }].flatMap(encode));
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

import { MurmurError, shellQuote } from '@murmur/api';

import type { GuestChannel } from '../substrate.js';
import type { KernelModule } from './initrd/build.js';

/** Without one of these a machine would not find its disk, its keys or its network. */
const needed = ['virtio_pci', 'virtio_blk', 'ext4', 'virtio_net', 'qemu_fw_cfg'];
/** Before what needs them: a module asks for a checksum by its purpose, and nobody answers in an initramfs. */
const wanted = ['crc32c_generic', 'virtio_rng'];

/** Twenty modules of any kernel are a tenth of it. */
const mostBytes = 64 * 1024 * 1024;

/** Prints, for each module, its file and those that it needs, first what is loaded first. */
function listing(release: string): string {
  return `for name in ${[...wanted, ...needed].join(' ')}; do
  echo "module $name"
  /sbin/modprobe -S ${shellQuote(release)} --show-depends "$name" 2>/dev/null
done; true`;
}

/** Prints each file's length and its content, unpacked. */
function contents(files: readonly string[]): string {
  return `set -e
folder=$(mktemp -d /run/murmur-modules.XXXXXX)
trap 'rm -rf "$folder"' EXIT
for file in ${files.map(shellQuote).join(' ')}; do
  case $file in
    *.xz) xz -dc "$file" ;;
    *.zst) zstd -dc "$file" ;;
    *.gz) gzip -dc "$file" ;;
    *) cat "$file" ;;
  esac >"$folder/module"
  wc -c <"$folder/module" | tr -d ' '
  cat "$folder/module"
done`;
}

/**
 * The modules that a machine under the guest's other kernel needs before its disk is there, in the order in which they are
 * loaded. Throws FAILED_PRECONDITION where that kernel has one neither as a file nor built in.
 */
export async function guestModules(channel: GuestChannel, release: string, signal: AbortSignal): Promise<readonly KernelModule[]> {
  const { stdout } = await channel.run(listing(release), { signal });
  const files = new Set<string>();
  const known = new Set<string>();
  let name = '';
  for (const line of stdout.split('\n')) {
    const [word, value = ''] = line.trim().split(/\s+/);
    if (word === 'module') name = value;
    if (word === 'insmod') files.add(value);
    if (word === 'insmod' || word === 'builtin') known.add(name);
  }
  const missing = needed.find((one) => !known.has(one));
  if (missing !== undefined)
    throw bootless(`the image's kernel ${release} has no module ${missing}, without which a machine does not start`);
  return readModules(channel, [...files], signal);
}

async function readModules(channel: GuestChannel, files: readonly string[], signal: AbortSignal): Promise<readonly KernelModule[]> {
  const parts: Buffer[] = [];
  let length = 0;
  const take = (chunk: Buffer) => {
    length += chunk.length;
    if (length > mostBytes) throw bootless("the modules of the image's kernel are larger than 64 MiB");
    parts.push(chunk);
  };
  const exitCode = await channel.stream(contents(files), { stdout: take, stderr: () => undefined }, { signal });
  const all = Buffer.concat(parts);
  const modules: KernelModule[] = [];
  let at = 0;
  for (const file of files) {
    const end = all.indexOf('\n', at);
    const size = Number(all.toString('latin1', at, end));
    at = end + 1;
    if (exitCode !== 0 || end < 0 || !Number.isInteger(size) || at + size > all.length)
      throw bootless(`the module ${file} of the image's kernel cannot be read`);
    modules.push({ name: nameOf(file), content: all.subarray(at, at + size) });
    at += size;
  }
  return modules;
}

function nameOf(file: string): string {
  const name = file.replace(/^.*\//, '').replace(/\.ko(?:\.[a-z]+)?$/, '');
  if (!/^[\w-]{1,64}$/.test(name)) throw bootless(`the image's kernel has a module of the name ${JSON.stringify(name)}`);
  return name;
}

function bootless(message: string): MurmurError {
  return new MurmurError('FAILED_PRECONDITION', message, {
    hint: 'Install a kernel of Debian with its modules, or leave the one of the base image.',
  });
}

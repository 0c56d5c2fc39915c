import { defineCommand } from '../define-command.js';
import { usageError } from '../failure.js';
import { receive, saveDownload } from '../client/download.js';
import { textArgument } from '../parameters.js';

type Flags = {
  readonly force: boolean;
};

/** `murmur image export`. */
export const command = defineCommand<Flags, [name: string, file: string]>({
  usage: '[flags] <name> <file>',
  description:
    'Downloads an image as one file that needs no other: of QEMU a flattened qcow2, of Docker an OCI archive that "docker load" and skopeo take. The file appears only when it is complete and its digest is right; sent to standard output, only the exit code says so.',
  examples: [
    { brief: 'Take a disk elsewhere', line: 'murmur image export hello-9f86d081884c7d65 hello.qcow2' },
    { brief: 'Load a container image at once', line: 'murmur image export hello-2c26b46b68ffc68f - | docker load' },
    { brief: 'Take a container image elsewhere', line: 'murmur image export hello-2c26b46b68ffc68f hello.tar' },
  ],
  parameters: {
    flags: { force: { kind: 'boolean', default: false, withNegated: false, brief: 'Replace the file if it exists' } },
    positional: {
      kind: 'tuple',
      parameters: [textArgument('name', 'The image'), textArgument('file', 'Where to put it; - is standard output')],
    },
  },
  completes: ['image', 'file'],
  async run(context, flags, name, file) {
    if (file === '-' && context.stdout.isTTY === true) {
      throw usageError('an image is nothing to read on a terminal', 'Send it on with | or >, or name a file.');
    }
    const client = await context.connect();
    const signal = context.interruption();
    const terminal = context.stderr.isTTY === true;
    try {
      const onProgress = (received: number, total: number): void => {
        if (!terminal) return;
        const share = total === 0 ? 0 : Math.floor((received / total) * 100);
        context.stderr.writeRaw(`\r${share}% of ${renderBytes(total)}\u001b[K`);
      };
      const request = () => client.exportImage({ name }, { signal });
      if (file === '-') {
        const write = (chunk: Uint8Array) => new Promise<void>((taken) => context.stdout.writeRaw(chunk, taken));
        const { bytes, digest } = await receive(request, { file: `image "${name}"`, onProgress, write });
        if (terminal) context.stderr.writeRaw('\r\u001b[K');
        context.stderr.write(`Exported image "${name}" (${renderBytes(bytes)}, ${digest})\n`);
        return;
      }
      const saved = await saveDownload(request, { file, existing: flags.force ? 'replace' : 'refuse', onProgress });
      if (terminal) context.stderr.writeRaw('\r\u001b[K');
      context.stdout.write(`Exported image "${name}" to ${file} (${renderBytes(saved.bytes)}, ${saved.digest})\n`);
    } catch (thrown) {
      if (terminal) context.stderr.writeRaw('\r\u001b[K');
      if (!signal.aborted) throw thrown;
      context.exitCode = 130;
    }
  },
});

/** An amount of bytes for people, such as `271 MiB`. */
function renderBytes(bytes: number): string {
  const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'];
  let amount = bytes;
  let unit = 0;
  while (amount >= 1024 && unit < units.length - 1) {
    amount /= 1024;
    unit += 1;
  }
  return `${unit === 0 || amount >= 10 ? Math.round(amount) : amount.toFixed(1)} ${units[unit] ?? ''}`;
}

import { defineCommand } from '../define-command.js';
import { renderBytes } from '../output/bytes.js';
import { saveDownload } from '../client/download.js';
import { textArgument } from '../parameters.js';

type Flags = {
  readonly force: boolean;
};

/** `murmur image export`. */
export const command = defineCommand<Flags, [name: string, file: string]>({
  usage: '[flags] <name> <file>',
  description:
    'Downloads an image as one file that needs no other: of QEMU a flattened qcow2, of Docker an OCI archive that "docker load" and skopeo take. The file appears only when it is complete and its digest is right.',
  examples: [
    { brief: 'Take a disk elsewhere', line: 'murmur image export hello-9f86d081884c7d65 hello.qcow2' },
    { brief: 'Take a container image elsewhere', line: 'murmur image export hello-2c26b46b68ffc68f hello.tar' },
  ],
  parameters: {
    flags: { force: { kind: 'boolean', default: false, withNegated: false, brief: 'Replace the file if it exists' } },
    positional: { kind: 'tuple', parameters: [textArgument('name', 'The image'), textArgument('file', 'Where to put it')] },
  },
  completes: ['image', 'file'],
  async run(context, flags, name, file) {
    const client = await context.connect();
    const signal = context.interruption();
    const terminal = context.stderr.isTTY === true;
    try {
      const saved = await saveDownload(() => client.exportImage({ name }, { signal }), {
        file,
        existing: flags.force ? 'replace' : 'refuse',
        onProgress(received, total) {
          if (!terminal) return;
          const share = total === 0 ? 0 : Math.floor((received / total) * 100);
          context.stderr.writeRaw(`\r${share}% of ${renderBytes(total)}\u001b[K`);
        },
      });
      if (terminal) context.stderr.writeRaw('\r\u001b[K');
      context.stdout.write(`Exported image "${name}" to ${file} (${renderBytes(saved.bytes)}, ${saved.digest})\n`);
    } catch (thrown) {
      if (terminal) context.stderr.writeRaw('\r\u001b[K');
      if (!signal.aborted) throw thrown;
      context.exitCode = 130;
    }
  },
});

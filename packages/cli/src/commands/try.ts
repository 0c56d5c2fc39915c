import type { TryImageResponse } from '@murmur/api';

import type { Context } from '../context.js';
import { defineCommand } from '../define-command.js';
import { CliError, usageError } from '../failure.js';
import type { GuardedOutput } from '../output/shown-controls.js';
import { textArgument } from '../parameters.js';

type Flags = {
  readonly raw: boolean;
};

/** `murmur try`. */
export const command = defineCommand<Flags, string[]>({
  usage: '[--raw] <image> <environment> <placement> -- <command>...',
  description:
    "Boots a throwaway machine from an image, runs one command there, and destroys the machine. The command's output and\nexit code become this program's own, except that on a terminal whatever would control it is shown as text, unless --raw\nis given.",
  examples: [
    {
      brief: 'See whether a tool is in an image',
      line: 'murmur try hello-9f86d081884c7d65 murmur-qemu-small murmur-qemu-local -- hello --version',
    },
    { brief: 'More than one command', line: "murmur try my-image staging us-central1 -- sh -c 'id && uname -a'" },
  ],
  parameters: {
    flags: { raw: { kind: 'boolean', default: false, withNegated: false, brief: 'Let the output control the terminal' } },
    positional: { kind: 'array', parameter: textArgument('image environment placement command', 'Everything after -- is the command') },
  },
  completes: ['image', 'environment', 'placement'],
  async run(context, { raw }, ...words) {
    const [image, environment, placement, ...line] = words;
    if (image === undefined || environment === undefined || placement === undefined || line.length === 0) {
      throw usageError(
        'an image, an environment, a placement and a command are required',
        'Write: murmur try IMAGE ENVIRONMENT PLACEMENT -- COMMAND',
      );
    }
    const client = await context.connect();
    const signal = context.interruption();
    try {
      for await (const { event } of client.tryImage({ image, environment, placement, command: line }, { signal })) {
        passOn(context, event, raw ? 'raw' : 'shown');
      }
    } catch (thrown) {
      if (!signal.aborted) throw thrown;
      context.exitCode = 130;
      return;
    }
    if (context.exitCode === undefined) throw new CliError('ABORTED', 'the server ended the connection before the command had ended');
  },
});

function passOn(context: Context, event: TryImageResponse['event'], controls: 'raw' | 'shown'): void {
  const output = (to: GuardedOutput, chunk: Uint8Array) => (controls === 'raw' ? to.writeRaw(chunk) : to.write(chunk));
  switch (event.case) {
    case 'progress':
      // On anything but a terminal, standard error is the command's alone.
      if (context.stderr.isTTY === true) context.stderr.write(`${event.value}\n`);
      return;
    case 'stdout':
      output(context.stdout, event.value);
      return;
    case 'stderr':
      output(context.stderr, event.value);
      return;
    case 'exitCode':
      context.exitCode = event.value;
      return;
    case undefined:
      return;
  }
}

import { defineCommand } from '../define-command.js';
import { textArgument } from '../parameters.js';

const substrates = ['qemu', 'docker'] as const;

type Flags = {
  readonly forceNew: boolean;
  readonly substrate: (typeof substrates)[number];
};

/** `murmur base build`. */
export const command = defineCommand<Flags, [name?: string]>({
  usage: '[flags] [<name>]',
  description:
    "Builds the platform base image on the server's own host: a small Debian that recipes start from. Operators only.\nTakes some minutes the first time; an existing base is kept.",
  examples: [
    { brief: 'Before the first bake', line: 'murmur base build' },
    { brief: 'Before the first bake of a container image', line: 'murmur base build --substrate docker' },
    { brief: 'Build it again, with today’s Debian packages', line: 'murmur base build --force-new' },
  ],
  parameters: {
    flags: {
      forceNew: { kind: 'boolean', default: false, withNegated: false, brief: 'Build again although the base exists' },
      substrate: { kind: 'enum', values: substrates, default: 'qemu', brief: 'What the base is for: machines or containers' },
    },
    positional: {
      kind: 'tuple',
      parameters: [{ ...textArgument('name', 'The base to build (default: the standard one of the substrate)'), optional: true }],
    },
  },
  async run(context, flags, name = `murmur-${flags.substrate}-base`) {
    const client = await context.connect();
    const signal = context.interruption();
    try {
      for await (const { event } of client.buildBase({ name, forceNew: flags.forceNew }, { signal })) {
        if (event.case === 'progress') context.stderr.write(`${event.value}\n`);
        else if (event.case === 'image') context.stdout.write(`Base image "${event.value.name}" is ready\n`);
      }
    } catch (thrown) {
      if (!signal.aborted) throw thrown;
      context.exitCode = 130;
    }
  },
});

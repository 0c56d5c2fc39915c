import { kindArgument, withKindHint } from '../client/kinds.js';
import { defineCommand } from '../define-command.js';
import { fileField } from '../input/field-values.js';
import { documentLimit, readTextFile, readTextInput } from '../input/read-text.js';
import { outputFlag, type OutputFlags } from '../output/output-flag.js';
import { printChange } from '../output/resource-result.js';
import { ifGenerationFlag, type IfGenerationFlags, ifGenerationOf, textArgument } from '../parameters.js';

type Flags = OutputFlags &
  IfGenerationFlags & {
    readonly file?: string;
    readonly fileField?: readonly string[];
  };

/** `murmur set`. */
export const command = defineCommand<Flags, [kind: string, name: string]>({
  usage: '[flags] <kind> <name>',
  description:
    'Creates a resource, or replaces it whole, from one YAML or JSON document on standard input or in a file.\nSee the fields of a kind with `murmur describe <kind>`.',
  examples: [
    {
      brief: 'Create a recipe',
      line: `echo '{name: hello, base_image_qemu_ref: murmur-qemu-base, provisioning_script: apt-get install -y hello, provisioning_timeout: 10m}' | murmur set recipe hello`,
    },
    { brief: 'From a file', line: 'murmur set recipe hello -f hello.yaml' },
    {
      brief: 'With the script in a file of its own',
      line: 'murmur set recipe hello -f hello.yaml --file-field provisioning_script=install.sh',
    },
    { brief: 'Go back to an earlier generation', line: 'murmur get recipe hello --generation 2 | murmur set recipe hello' },
    { brief: 'Only if nobody has changed it since generation 3', line: 'murmur set recipe hello -f hello.yaml --if-generation 3' },
  ],
  parameters: {
    flags: {
      output: outputFlag,
      ifGeneration: ifGenerationFlag,
      file: { kind: 'parsed', parse: String, optional: true, placeholder: 'FILE', brief: 'Read the document from a file' },
      fileField: {
        kind: 'parsed',
        parse: String,
        variadic: true,
        optional: true,
        placeholder: 'path=FILE',
        brief: "Take one field's text from a file; repeatable",
      },
    },
    aliases: { o: 'output', f: 'file' },
    positional: {
      kind: 'tuple',
      parameters: [kindArgument('The kind of the resource'), textArgument('name', 'Its name, as in the document')],
    },
  },
  completes: ['kind', 'name'],
  async run(context, flags, kind, name) {
    const fields = await Promise.all((flags.fileField ?? []).map(fileField));
    if (flags.file === undefined && context.stdin.isTTY === true) {
      context.stderr.write(`Reading ${kind} "${name}" from the terminal; end with Ctrl-D, or give a file with -f\n`);
    }
    const document =
      flags.file === undefined || flags.file === '-' ? await readTextInput(context.stdin) : await readTextFile(flags.file, documentLimit);
    const client = await context.connect();
    const { resource } = await withKindHint(kind, client.setResource({ kind, name, document, fields, ...ifGenerationOf(flags) }));
    await printChange(context, flags.output, `Set ${kind} "${name}"`, resource);
  },
});

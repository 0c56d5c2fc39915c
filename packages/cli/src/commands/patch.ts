import { kindArgument, withKindHint } from '../client/kinds.js';
import { defineCommand } from '../define-command.js';
import { usageError } from '../failure.js';
import { fileField, setField } from '../input/field-values.js';
import { valueAsArgument } from '../input/secret-value.js';
import { outputFlag, type OutputFlags } from '../output/output-flag.js';
import { printChange } from '../output/resource-result.js';
import { ifGenerationFlag, type IfGenerationFlags, ifGenerationOf, textArgument } from '../parameters.js';

type Flags = OutputFlags &
  IfGenerationFlags & {
    readonly set?: readonly string[];
    readonly fileField?: readonly string[];
  };

/** `murmur patch`. */
export const command = defineCommand<Flags, [kind: string, name: string]>({
  usage: '[flags] <kind> <name>',
  description: 'Changes the named fields of a resource and leaves all others as they are.',
  examples: [
    { brief: 'Pin a workspace to an image', line: 'murmur patch workspace main --set image_ref=hello-9f86d081884c7d65' },
    { brief: 'Replace the script of a recipe', line: 'murmur patch recipe hello --file-field provisioning_script=install.sh' },
    {
      brief: 'Several fields, one of them a list',
      line: "murmur patch recipe hello --set provisioning_timeout=20m --set 'secret_allowlist=[NPM_TOKEN]'",
    },
    {
      brief: 'Only if nobody has changed it since generation 3',
      line: 'murmur patch recipe hello --set description=Tools --if-generation 3',
    },
  ],
  parameters: {
    flags: {
      output: outputFlag,
      ifGeneration: ifGenerationFlag,
      set: {
        kind: 'parsed',
        parse: String,
        variadic: true,
        optional: true,
        placeholder: 'path=value',
        brief: 'Set one field to a value, read as YAML; repeatable',
      },
      fileField: {
        kind: 'parsed',
        parse: String,
        variadic: true,
        optional: true,
        placeholder: 'path=FILE',
        brief: "Set one field to a file's text; repeatable",
      },
    },
    aliases: { o: 'output' },
    positional: { kind: 'tuple', parameters: [kindArgument('The kind of the resource'), textArgument('name', 'Its name')] },
  },
  completes: ['kind', 'name'],
  async run(context, flags, kind, name) {
    if (kind === 'secret' && (flags.set ?? []).some((written) => /^plaintext_?value=/i.test(written))) throw valueAsArgument(name);
    const fields = [...(flags.set ?? []).map(setField), ...(await Promise.all((flags.fileField ?? []).map(fileField)))];
    if (fields.length === 0)
      throw usageError('nothing to change', 'Name at least one field with --set path=value or --file-field path=FILE.');
    const client = await context.connect();
    const { resource } = await withKindHint(kind, client.patchResource({ kind, name, fields, ...ifGenerationOf(flags) }));
    await printChange(context, flags.output, `Patched ${kind} "${name}"`, resource);
  },
});

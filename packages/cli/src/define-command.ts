import { buildCommand, type Command, type TypedCommandParameters } from '@stricli/core';

import type { Context } from './context.js';
import { reportFailure } from './report-failure.js';

/** What the shell may offer at one position of a command line. */
export type Completion =
  | 'kind'
  | 'name'
  | 'run'
  | 'host'
  | 'context'
  | 'recipe'
  | 'environment'
  | 'placement'
  | 'image'
  | 'secret'
  | 'file'
  | readonly string[];

/** A command in one file: how it is written, what it says about itself and what it does. */
export interface CommandDefinition<Flags extends Readonly<Record<string, unknown>>, Args extends readonly unknown[]> {
  /** What follows the command's name, such as `[flags] <kind> [<name>]`. */
  readonly usage: string;
  readonly description: string;
  readonly examples: readonly Example[];
  readonly parameters: NoInfer<TypedCommandParameters<Flags, Args, Context>>;
  /** What to offer for each positional argument; the last entry does not repeat. */
  readonly completes?: readonly Completion[];
  run(context: Context, flags: Flags, ...args: Args): Promise<void>;
}

/** One line a user could type, and what it is for. */
export interface Example {
  readonly brief: string;
  readonly line: string;
}

/** A command as the routes load it. */
export interface DefinedCommand {
  readonly command: Command<Context>;
  readonly completes: readonly Completion[];
}

/** Turns a definition into a command whose failures are printed and mapped to exit codes. */
export function defineCommand<
  const Flags extends Readonly<Record<string, unknown>> = NonNullable<unknown>,
  const Args extends readonly unknown[] = [],
>(definition: CommandDefinition<Flags, Args>): DefinedCommand {
  const command = buildCommand<Flags, Args, Context>({
    func: async function (this: Context, flags: Flags, ...args: Args): Promise<void> {
      try {
        await definition.run(this, flags, ...args);
      } catch (thrown) {
        this.exitCode = await reportFailure(this, thrown, flags['output'] === 'json' || isJson(flags['output']) ? 'json' : 'text');
      }
    },
    parameters: definition.parameters,
    docs: { brief: definition.usage, fullDescription: fullDescription(definition), customUsage: [definition.usage] },
  });
  return { command, completes: definition.completes ?? [] };
}

/** What `-o json` becomes where there are more forms than a table and documents. */
function isJson(output: unknown): boolean {
  return typeof output === 'object' && output !== null && 'form' in output && output.form === 'json';
}

function fullDescription(definition: { description: string; examples: readonly Example[] }): string {
  const examples = definition.examples.map((example) => `  ${example.brief}\n    $ ${example.line}`);
  return [definition.description, ...(examples.length === 0 ? [] : ['', 'EXAMPLES', ...examples])].join('\n');
}

import { createContext } from './context.js';
import { CliError, failureText } from './failure.js';
import { takeGlobalFlags } from './global-flags.js';
import { guardOutput } from './output/shown-controls.js';
import type { Surroundings } from './surroundings.js';
import { version } from './version.js';

/** Runs one command line and answers its exit code: 0 success, 1 the request failed, 2 wrong usage, 130 interrupted. */
export async function runCli(args: readonly string[], surroundings: Surroundings): Promise<number> {
  try {
    return await runLine(args, surroundings);
  } catch (thrown) {
    if (!(thrown instanceof CliError)) throw thrown;
    guardOutput(surroundings.stderr).write(failureText([{ code: thrown.code, message: thrown.message, hint: thrown.hint }]));
    return thrown.exitCode;
  }
}

async function runLine(args: readonly string[], surroundings: Surroundings): Promise<number> {
  const { globals, rest } = takeGlobalFlags(args);
  const [first] = rest;
  if (first === '--version' || first === '-v') {
    surroundings.stdout.write(`murmur ${version}\n`);
    return 0;
  }
  const line = first === 'help' ? [...rest.slice(1), '--help'] : rest;
  if (line.length === 0 || line[0] === '--help' || line[0] === '-h') {
    surroundings.stdout.write((await import('./root-help.js')).rootHelp());
    return 0;
  }
  const [{ buildApp }, { run }] = await Promise.all([import('./app.js'), import('@stricli/core')]);
  const context = createContext(surroundings, globals);
  const { application, hints } = await buildApp(line);
  await run(application, line, context);
  for (const hint of hints) context.stderr.write(`${hint}\n`);
  if (context.exitCode !== undefined) return context.exitCode;
  const code = Number(context.process.exitCode ?? 0);
  // Stricli numbers wrong usage and its own faults below zero.
  return code < 0 ? 2 : code;
}

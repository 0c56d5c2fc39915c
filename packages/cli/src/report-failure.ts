import type { Context } from './context.js';
import { CliError, failureJson, failureText, type FailureExitCode } from './failure.js';

/** Prints what went wrong on standard error, for people or, where they asked for JSON, for programs, and answers the code to exit with. */
export async function reportFailure(context: Context, thrown: unknown, form: 'text' | 'json' = 'text'): Promise<FailureExitCode> {
  // One that kept a call from being made reaches us as the cause of the call's own failure.
  const own = thrown instanceof Error && thrown.cause instanceof CliError ? thrown.cause : thrown;
  if (own instanceof CliError) {
    const faults = [{ code: own.code, message: own.message, hint: own.hint }];
    context.stderr.write(form === 'json' ? failureJson(faults) : failureText(faults));
    return own.exitCode;
  }
  const [{ explain }, server] = await Promise.all([import('./client/explain.js'), serverOf(context)]);
  const error = explain(thrown, server);
  if (form === 'json') {
    context.stderr.write(failureJson(error.faults));
    return 1;
  }
  context.stderr.write(failureText(error.faults));
  const meant = error.code === 'NOT_FOUND' ? await similarName(context, error.message) : undefined;
  if (meant !== undefined) context.stderr.write(`Did you mean ${meant}?\n`);
  return 1;
}

/** The name that was probably meant where there is none such; undefined when none is close, or the list is not to be had at once. */
async function similarName(context: Context, message: string): Promise<string | undefined> {
  const [, kind, name] = /^([a-z-]+) "([^"]+)" not found$/.exec(message) ?? [];
  if (kind === undefined || name === undefined) return undefined;
  const [{ namesOnServer }, { similarWord }] = await Promise.all([
    import('./completion/names-on-server.js'),
    import('@murmur/api/similar'),
  ]);
  return similarWord(name, await namesOnServer(context, kind));
}

/** The address for the message. Settings that cannot be read have been the failure itself, which is reported already. */
async function serverOf(context: Context): Promise<string | undefined> {
  return context.settings().then(
    (settings) => settings.server,
    () => undefined,
  );
}

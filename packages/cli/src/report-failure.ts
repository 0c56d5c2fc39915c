import type { Context } from './context.js';
import { CliError, failureText, type FailureExitCode } from './failure.js';

/** Prints what went wrong on standard error and answers the code to exit with. */
export async function reportFailure(context: Context, thrown: unknown): Promise<FailureExitCode> {
  if (thrown instanceof CliError) {
    context.stderr.write(failureText([{ code: thrown.code, message: thrown.message, hint: thrown.hint }]));
    return thrown.exitCode;
  }
  const [{ explain }, server] = await Promise.all([import('./client/explain.js'), serverOf(context)]);
  const error = explain(thrown, server);
  context.stderr.write(failureText(error.faults));
  return 1;
}

/** The address for the message. Settings that cannot be read have been the failure itself, which is reported already. */
async function serverOf(context: Context): Promise<string | undefined> {
  return context.settings().then(
    (settings) => settings.server,
    () => undefined,
  );
}

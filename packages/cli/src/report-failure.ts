import type { Context } from './context.js';
import { CliError, failureText, type FailureExitCode } from './failure.js';

/** Prints what went wrong on standard error and answers the code to exit with. */
export async function reportFailure(context: Context, thrown: unknown): Promise<FailureExitCode> {
  // One that kept a call from being made reaches us as the cause of the call's own failure.
  const own = thrown instanceof Error && thrown.cause instanceof CliError ? thrown.cause : thrown;
  if (own instanceof CliError) {
    context.stderr.write(failureText([{ code: own.code, message: own.message, hint: own.hint }]));
    return own.exitCode;
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

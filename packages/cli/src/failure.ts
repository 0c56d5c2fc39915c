import type { ErrorCode } from '@murmur/api';

/** What a process ends with: 1 when the request failed, 2 when the command line was wrong, 130 when the user interrupted it. */
export type FailureExitCode = 1 | 2 | 130;

/**
 * A failure the command line found by itself. It looks like the server's own errors when printed, but needs none of
 * the API's code to be loaded, which keeps wrong usage and help quick.
 */
export class CliError extends Error {
  override readonly name = 'CliError';
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly exitCode: FailureExitCode;

  constructor(code: ErrorCode, message: string, options: { hint?: string; exitCode?: FailureExitCode; cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.code = code;
    this.hint = options.hint;
    this.exitCode = options.exitCode ?? 1;
  }
}

/** The command line itself is wrong: exit 2. */
export function usageError(message: string, hint?: string): CliError {
  return new CliError('INVALID_ARGUMENT', message, { exitCode: 2, ...(hint === undefined ? {} : { hint }) });
}

/** One line for each thing wrong, then every hint once. */
export function failureText(faults: readonly { code: string; message: string; hint?: string | undefined }[]): string {
  const lines = faults.map((fault) => `murmur: ${fault.code}: ${fault.message}`);
  const hints = new Set(faults.flatMap((fault) => (fault.hint === undefined || fault.hint === '' ? [] : [fault.hint])));
  return [...lines, ...hints].map((line) => `${line}\n`).join('');
}

/** The same as one JSON document: what each thing wrong is, and what to do about it. */
export function failureJson(
  faults: readonly { code: string; message: string; hint?: string | undefined; path?: string | undefined }[],
): string {
  const errors = faults.map(({ code, hint, message, path }) => ({
    code,
    message,
    ...(path === undefined || path === '' ? {} : { path }),
    ...(hint === undefined || hint === '' ? {} : { hint }),
  }));
  return `${JSON.stringify({ errors }, undefined, 2)}\n`;
}

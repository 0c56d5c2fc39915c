import { Code, ConnectError } from '@connectrpc/connect';

const networkCodes = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ERR_STREAM_PREMATURE_CLOSE',
]);

/** Whether a call failed on the way to the server or back, rather than by the server's own decision. */
export function isConnectionFault(thrown: unknown): boolean {
  return codesOf(thrown).some((code) => typeof code === 'string' && networkCodes.has(code));
}

/** Whether the same call may well succeed once the server is up and reachable again. */
export function isWorthRetrying(thrown: unknown): boolean {
  if (isConnectionFault(thrown)) return true;
  // A stream cut in the middle of a message is reported by its own library as a protocol fault.
  if (!(thrown instanceof ConnectError)) return false;
  if (thrown.code === Code.Unavailable || thrown.code === Code.Aborted) return true;
  const cutOff = /premature|protocol error|missing EndStreamResponse|unexpected end|aborted/i;
  return (
    (thrown.code === Code.InvalidArgument || thrown.code === Code.Internal || thrown.code === Code.Unknown) &&
    cutOff.test(thrown.rawMessage)
  );
}

function codesOf(thrown: unknown): unknown[] {
  const codes: unknown[] = [];
  for (let error = thrown; error instanceof Error && codes.length < 8; error = error.cause)
    codes.push('code' in error ? error.code : undefined);
  return codes;
}

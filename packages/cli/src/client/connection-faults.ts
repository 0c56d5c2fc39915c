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

/** What a connection's own fault says about the server's address, and what to do; undefined for any other failure. */
export function addressFault(thrown: unknown, server: string): { readonly message: string; readonly hint: string } | undefined {
  const codes = codesOf(thrown).filter((code) => typeof code === 'string');
  const has = (...known: readonly string[]): boolean => codes.some((code) => known.includes(code));
  const words = thrown instanceof ConnectError ? thrown.rawMessage : '';
  if (has('EPROTO', 'ERR_SSL_WRONG_VERSION_NUMBER', 'ERR_SSL_PACKET_LENGTH_TOO_LONG')) {
    return { message: `${server} does not speak TLS`, hint: `Write http:// in the address if it is to be asked in the clear.` };
  }
  if (codes.some((code) => code.startsWith('HPE_'))) {
    return {
      message: `${server} does not answer in HTTP`,
      hint: 'Check the port; if the server speaks TLS, write https:// in the address.',
    };
  }
  if (has('CERT_HAS_EXPIRED'))
    return { message: `the certificate of ${server} has expired`, hint: 'Whoever runs the server has to renew it.' };
  if (has('ERR_TLS_CERT_ALTNAME_INVALID')) {
    return { message: `the certificate of ${server} is for another name`, hint: 'Use the name that is in the certificate.' };
  }
  if (
    has('SELF_SIGNED_CERT_IN_CHAIN', 'DEPTH_ZERO_SELF_SIGNED_CERT', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY')
  ) {
    return {
      message: `the certificate of ${server} is from an unknown authority`,
      hint: 'Name a file with that authority in SSL_CERT_FILE or NODE_EXTRA_CA_CERTS.',
    };
  }
  if (server.startsWith('http:') && has('ECONNRESET')) {
    return {
      message: `${server} closed the connection without an answer`,
      hint: 'It may be restarting: try again. If it speaks TLS, write https:// in the address.',
    };
  }
  if (/^HTTP 50[234]$/.test(words)) {
    return {
      message: `${server} is not available (${words})`,
      hint: 'What stands before it may be up while it is not: try again in a moment.',
    };
  }
  if (/^(?:unsupported content type|HTTP \d{3}$)/i.test(words)) {
    return { message: `${server} is not a Murmur server (${words})`, hint: 'Check the address, or set another one with MURMUR_SERVER.' };
  }
  return undefined;
}

function codesOf(thrown: unknown): unknown[] {
  const codes: unknown[] = [];
  for (let error = thrown; error instanceof Error && codes.length < 8; error = error.cause)
    codes.push('code' in error ? error.code : undefined);
  return codes;
}

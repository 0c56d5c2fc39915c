import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';

import { ApiError } from './errors.js';

/** Clocks may differ by this much, as AWS has it. */
const skewMs = 15 * 60_000;

/** A request as it came. */
export interface SignedRequest {
  readonly method: string;
  /** Path and query. */
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** What a signature covers beside the request itself. */
export interface Scope {
  readonly accessKeyId: string;
  readonly region: string;
  readonly service: string;
}

interface Authorization extends Scope {
  readonly date: string;
  readonly signedHeaders: readonly string[];
  readonly signature: string;
}

/**
 * Checks a request's signature of version 4 and says whose it is and for which region and service. `secretOf` finds the secret
 * of an access key, or throws.
 */
export function verify(request: SignedRequest, now: number, secretOf: (accessKeyId: string) => string): Scope {
  const authorization = parse(request.headers.authorization);
  const amzDate = String(request.headers['x-amz-date'] ?? '');
  const at = Date.parse(amzDate.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'));
  const secret = secretOf(authorization.accessKeyId);
  if (Number.isNaN(at) || !amzDate.startsWith(authorization.date))
    throw new ApiError('SignatureDoesNotMatch', 'The date is not signed', 403);
  if (Math.abs(now - at) > skewMs) throw new ApiError('RequestExpired', 'Request has expired.');
  for (const name of ['host', 'x-amz-date']) {
    if (!authorization.signedHeaders.includes(name)) throw new ApiError('SignatureDoesNotMatch', `The header ${name} is not signed`, 403);
  }
  const expected = sign(request, authorization, amzDate, secret);
  const given = Buffer.from(authorization.signature, 'hex');
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) {
    throw new ApiError('SignatureDoesNotMatch', 'The request signature we calculated does not match the signature you provided.', 403);
  }
  return authorization;
}

function parse(header: string | undefined): Authorization {
  const match =
    /^AWS4-HMAC-SHA256 Credential=([^/\s]+)\/(\d{8})\/([^/]+)\/([^/]+)\/aws4_request, *SignedHeaders=([^,]+), *Signature=([0-9a-f]{64})$/.exec(
      header ?? '',
    );
  if (match === null) throw new ApiError('MissingAuthenticationToken', 'Request is missing Authentication Token', 403);
  const [, accessKeyId = '', date = '', region = '', service = '', signed = '', signature = ''] = match;
  return { accessKeyId, date, region, service, signedHeaders: signed.split(';'), signature };
}

function sign(request: SignedRequest, authorization: Authorization, amzDate: string, secret: string): Buffer {
  const { date, region, service, signedHeaders } = authorization;
  const [path = '/', query = ''] = request.url.split('?');
  const headers = signedHeaders
    .map(
      (name) =>
        `${name}:${String(request.headers[name] ?? '')
          .trim()
          .replaceAll(/ +/g, ' ')}\n`,
    )
    .join('');
  const canonical = [
    request.method,
    path,
    query.split('&').sort().join('&'),
    headers,
    signedHeaders.join(';'),
    createHash('sha256').update(request.body).digest('hex'),
  ].join('\n');
  const scope = `${date}/${region}/${service}/aws4_request`;
  const text = ['AWS4-HMAC-SHA256', amzDate, scope, createHash('sha256').update(canonical).digest('hex')].join('\n');
  const key = [date, region, service, 'aws4_request'].reduce(
    (secretSoFar: string | Buffer, part) => hmac(secretSoFar, part),
    `AWS4${secret}`,
  );
  return hmac(key, text);
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}

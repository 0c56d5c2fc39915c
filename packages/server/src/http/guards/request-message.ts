import type { DescMessage } from '@bufbuild/protobuf';
import { refusal, type MurmurError } from '@murmur/api';

import { guardErrors } from './errors.js';
import { assertBinaryWeight } from './binary-weight.js';
import { assertJsonWeight } from './json-weight.js';

/** How a message is written down. */
export type MessageFormat = 'binary' | 'json';

/** How a request carries its message. */
export interface Carriage {
  readonly format: MessageFormat;
  /** Whether flags and a length come before it, as in gRPC and in Connect's streams. */
  readonly framed: boolean;
}

/** Flags of one byte and a length of four. */
const frameBytes = 5;

const contentType = /^application\/(?<framed>connect\+?|grpc-web\+?|grpc\+?)?(?<format>json|proto)?\s*(?:;.*)?$/i;

/** What the content type says; undefined for a request that none of the protocols takes. */
export function carriageOf(type: string | undefined): Carriage | undefined {
  const match = contentType.exec(type ?? '');
  if (match === null) return undefined;
  const { framed, format } = match.groups ?? {};
  return { format: format?.toLowerCase() === 'json' ? 'json' : 'binary', framed: framed !== undefined };
}

/** Throws unless the body is one message, as every call of ours takes, that is not compressed and not too heavy. */
export function assertOneMessage(body: Buffer, schema: DescMessage, { format, framed }: Carriage, maxElements: number): void {
  if (!framed) return assertWeight(body, schema, format, maxElements);
  // Nothing at all is a fault that the protocols have their own words for.
  if (body.length === 0) return;
  if (body.length < frameBytes || body.readUInt32BE(1) !== body.length - frameBytes) {
    throw refusal(guardErrors.notOneMessage, []);
  }
  if (body[0] !== 0) throw compressed();
  assertWeight(body.subarray(frameBytes), schema, format, maxElements);
}

/**
 * Throws unless a message holds at most this many elements: fields and list items, also unknown ones. Nothing is built for
 * it, because two bytes may become an object of hundreds, and what is counted afterwards has taken its memory already.
 */
export function assertWeight(bytes: Uint8Array, schema: DescMessage, format: MessageFormat, maxElements: number): void {
  if (format === 'json') assertJsonWeight(bytes, schema, maxElements);
  else assertBinaryWeight(bytes, schema, maxElements);
}

const encodingHeaders = ['content-encoding', 'connect-content-encoding', 'grpc-encoding'];

/** Throws for a request that says it is compressed: a few bytes of such a one can stand for a thousand times as many. */
export function refuseCompressed(headers: Readonly<Record<string, string | string[] | undefined>>): void {
  if (encodingHeaders.some((name) => !['identity', undefined].includes(headers[name]?.toString().toLowerCase()))) throw compressed();
}

function compressed(): MurmurError {
  return refusal(guardErrors.compressed, []);
}

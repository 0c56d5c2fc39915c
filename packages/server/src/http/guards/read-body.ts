import type { IncomingMessage } from 'node:http';

import { MurmurError, refusal } from '@murmur/api';

import { guardErrors } from './errors.js';

/** How much is read, and who is told before it is kept. */
export interface BodyLimits {
  readonly maxBytes: number;
  /** Called with the size of each piece; what it throws ends the reading. */
  onBytes(bytes: number): void;
}

/**
 * The whole body of a request. Throws RESOURCE_EXHAUSTED for one that is too large, before a byte of it is read where its
 * length is announced, and leaves the connection open for the answer.
 */
export function readBody(request: IncomingMessage, { maxBytes, onBytes }: BodyLimits): Promise<Buffer> {
  const announced = Number(request.headers['content-length']);
  if (announced > maxBytes) return Promise.reject(tooLarge(maxBytes));
  return new Promise((resolve, reject) => {
    const pieces: Buffer[] = [];
    let size = 0;
    const finish = (settle: () => void): void => {
      request.off('data', onData).off('end', onEnd).off('close', onLeft).off('error', onLeft);
      settle();
    };
    const onData = (piece: Buffer): void => {
      size += piece.length;
      try {
        if (size > maxBytes) throw tooLarge(maxBytes);
        onBytes(piece.length);
        pieces.push(piece);
      } catch (thrown) {
        request.pause();
        finish(() => reject(thrown as Error));
      }
    };
    const onEnd = (): void => finish(() => resolve(Buffer.concat(pieces, size)));
    const onLeft = (): void => finish(() => reject(new MurmurError('CANCELLED', 'the call was cancelled')));
    request.on('data', onData).on('end', onEnd).on('close', onLeft).on('error', onLeft);
    if (request.destroyed) onLeft();
  });
}

function tooLarge(maxBytes: number): MurmurError {
  return refusal(guardErrors.tooLarge, [String(maxBytes)]);
}

/** The bytes that all requests together may take, so that many large ones at once do not take the server's memory. */
export interface ByteBudget {
  /**
   * Counts bytes for this caller, until they are given back. Throws RESOURCE_EXHAUSTED, and counts nothing, where they are
   * more than there is room for.
   */
  take(caller: string, bytes: number): void;
  give(caller: string, bytes: number): void;
}

/** One caller takes at most a half, so that it leaves room for the others. */
export function byteBudget(totalBytes: number): ByteBudget {
  const taken = new Map<string, number>();
  let total = 0;
  return {
    take(caller, bytes) {
      const own = (taken.get(caller) ?? 0) + bytes;
      if (own > totalBytes / 2) throw refusal(guardErrors.ownBytes, []);
      if (total + bytes > totalBytes) throw refusal(guardErrors.allBytes, []);
      taken.set(caller, own);
      total += bytes;
    },
    give(caller, bytes) {
      const own = (taken.get(caller) ?? 0) - bytes;
      if (own > 0) taken.set(caller, own);
      else taken.delete(caller);
      total -= bytes;
    },
  };
}

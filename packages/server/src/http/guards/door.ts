import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';

import {
  type ConnectRouterOptions,
  type ContextValues,
  type ServiceImpl,
  createConnectRouter,
  createContextValues,
} from '@connectrpc/connect';
import type { UniversalHandler, UniversalServerRequest } from '@connectrpc/connect/protocol';
import {
  compressionBrotli,
  compressionGzip,
  universalRequestFromNodeRequest,
  universalResponseToNodeResponse,
} from '@connectrpc/connect-node';
import type { MurmurError } from '@murmur/api';
import { MurmurService } from '@murmur/api';
import type { Logger } from 'pino';

import type { Identity } from '../../access/identity.js';
import { type CallName, callRules, limitsOf } from '../call-rules.js';
import { addressKey, identityKey } from '../caller.js';
import { addressOf } from '../connections.js';
import { byteBudget, readBody } from './read-body.js';
import { assertOneMessage, carriageOf, refuseCompressed } from './request-message.js';

/** The bytes of requests that are being answered, all together: some ten of the largest. */
const budgetBytes = 128 * 1024 * 1024;

/** What stands behind the door, and who watches it. */
export interface DoorParts {
  readonly service: ServiceImpl<typeof MurmurService>;
  readonly options: Pick<ConnectRouterOptions, 'interceptors' | 'jsonOptions' | 'shutdownSignal'>;
  /** The caller, from what stands before the body. Throws UNAUTHENTICATED, or UNAVAILABLE where that cannot be told. */
  identify(request: IncomingMessage): Promise<Identity>;
  /** Answers what is no call. */
  readonly fallback: RequestListener;
  /** Told of a call that does not get through the door, whatever is thrown for it; gives what its client is told. */
  refused(refusal: Refusal): MurmurError;
  readonly log: Logger;
}

/** A call that did not get through. */
export interface Refusal {
  readonly method: string;
  readonly address: string;
  readonly seconds: number;
  readonly thrown: unknown;
}

interface Call {
  readonly name: CallName;
  readonly handler: UniversalHandler;
  /** Speaks the same protocols and lets nothing through; only the reading of its body decides what it answers. */
  readonly refusing: UniversalHandler;
}

/**
 * Lets calls in: who makes one is known before a byte of its body is read, and what it may bring is bounded before a
 * message is built of it. What is refused is told in the words of the client's own protocol.
 */
export function openDoor({ service, options, identify, fallback, refused, log }: DoorParts): RequestListener {
  const calls = callsOf(service, options);
  const budget = byteBudget(budgetBytes);

  return (request, response) => {
    const [path = ''] = (request.url ?? '').split('?', 1);
    const call = calls.get(path);
    if (call === undefined) return fallback(request, response);
    const values = createContextValues().set(addressKey, addressOf(request));
    // Outside the promise: it throws for a request whose address cannot be read.
    const incoming = universalRequestFromNodeRequest(request, response, undefined, values);
    // The handlers would set aside as many bytes as it says.
    incoming.header.delete('content-length');
    const respond = async (handler: UniversalHandler, body: AsyncIterable<Uint8Array>): Promise<void> =>
      universalResponseToNodeResponse(await handler({ ...incoming, body }), response);
    const started = performance.now();
    admit(call, { request, response, incoming, values })
      .then(
        (body) => respond(call.handler, once(body)),
        (thrown: unknown) => {
          if (incoming.signal.aborted) return undefined;
          const seconds = (performance.now() - started) / 1000;
          const told = refused({ method: call.handler.method.name, address: values.get(addressKey), seconds, thrown });
          return respond(call.refusing, failing(told));
        },
      )
      .catch((cause: unknown) => {
        // What goes wrong in a call has been told and logged by now. This is a client that left in the middle of its answer.
        log.debug({ err: cause, method: call.handler.method.name }, 'an answer was cut off');
        response.destroy();
      });
  };

  /** The body of the call, once it is known who makes it and that it is not too much. */
  async function admit({ name, handler }: Call, { request, response, incoming, values }: Arrival): Promise<Buffer> {
    const rule = callRules[name];
    const identity = rule.takes === 'anyone' ? undefined : await identify(request);
    values.set(identityKey, identity);
    const caller = identity === undefined ? values.get(addressKey) : `${identity.tenant} ${identity.subject}`;
    // Which protocol it is decides its handler, and that one refuses what is none.
    const carriage = carriageOf(request.headers['content-type']);
    if (carriage === undefined) return Buffer.alloc(0);
    refuseCompressed(request.headers);
    const { bytes, elements } = limitsOf(name);
    let taken = 0;
    incoming.signal.addEventListener('abort', () => budget.give(caller, taken), { once: true });
    if (request.headers.expect !== undefined) response.writeContinue();
    const body = await readBody(request, {
      maxBytes: bytes,
      onBytes(size) {
        incoming.signal.throwIfAborted();
        budget.take(caller, size);
        taken += size;
      },
    });
    assertOneMessage(body, handler.method.input, carriage, elements);
    return body;
  }
}

interface Arrival {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly incoming: UniversalServerRequest;
  readonly values: ContextValues;
}

function callsOf(service: DoorParts['service'], options: DoorParts['options']): ReadonlyMap<string, Call> {
  // Answers alone are compressed; the refusing handlers know of it too, or they would name that as the fault.
  const compression = { acceptCompression: [compressionGzip, compressionBrotli] };
  const { handlers } = createConnectRouter({ ...options, ...compression }).service(MurmurService, service);
  const refusing = createConnectRouter(compression).service(MurmurService, {}).handlers;
  const refusingAt = new Map(refusing.map((handler) => [handler.requestPath, handler]));
  return new Map(
    handlers.flatMap((handler) => {
      const { requestPath: path, method } = handler;
      const other = refusingAt.get(path);
      return other === undefined ? [] : [[path, { name: method.localName as CallName, handler, refusing: other }]];
    }),
  );
}

async function* once(body: Buffer): AsyncIterable<Uint8Array> {
  if (body.length > 0) yield body;
}

/** A body that cannot be read, for a reason that the reader passes on to the client. */
function failing(reason: MurmurError): AsyncIterable<Uint8Array> {
  return { [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(reason.toConnect()) }) };
}

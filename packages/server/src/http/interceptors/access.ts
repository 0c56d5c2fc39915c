import type { Message } from '@bufbuild/protobuf';
import { Code, ConnectError, type Interceptor, type StreamRequest, type UnaryRequest } from '@connectrpc/connect';
import type { ErrorCode } from '@murmur/api';

import { type AccessParts, accessOf } from '../../access/access.js';
import { authenticate, unauthenticated } from '../../access/authenticate.js';
import { isDenial } from '../../access/denials.js';
import { databaseNow } from '../../database/clock.js';
import { type AuditTrail, type TrailParts, auditTrail } from '../audit-trail.js';
import { ruleOf } from '../call-rules.js';
import { accessKey, addressKey, identityOf, trailKey } from '../caller.js';
import { authorize } from '../authorize.js';
import { defaultRecheckMs, rechecked } from '../rechecked.js';

import { outcomeCode } from './errors.js';

/** Names the tenant a client means to speak to; a key of another tenant is refused instead of silently used. */
const tenantHeader = 'murmur-tenant';

/**
 * Lets a call happen only as its rule says, hands on what its caller may do, and keeps the audit log: an entry before the
 * call acts, without which it does not, and its outcome afterwards.
 */
export function accessInterceptor(parts: TrailParts & Pick<AccessParts, 'localTenants'> & { readonly recheckMs?: number }): Interceptor {
  return (next) => async (request) => {
    const { method, signal } = request;
    const rule = ruleOf(method);
    if (rule.takes === 'anyone') return next(request);
    const identity = identityOf({ values: request.contextValues });
    const meant = request.header.get(tenantHeader);
    const received = await receive(request);
    let message = received.message;
    const access = await accessOf(parts, identity);
    request.contextValues.set(accessKey, access);
    const kept = typeof rule.audited === 'function' ? rule.audited(message) : rule.audited;
    const address = request.contextValues.get(addressKey);
    const trail = auditTrail(parts, { identity, address, action: method.name, kept, about: () => rule.about?.(message) ?? [] });
    request.contextValues.set(trailKey, trail);
    try {
      message = await authorize(parts.database, rule, { identity, access, meant }, message);
      await trail.begin();
      const response = await next(received.with(message));
      if (response.stream) {
        const still = async () => {
          // A key that is taken away ends what it began. A token cannot be, but a host that slept has not counted its time.
          if (identity.keyId !== '') await authenticate(parts.database, request.header.get('authorization'));
          else if (identity.end !== undefined && identity.end.at <= (await databaseNow(parts.database))) throw unauthenticated();
          await authorize(parts.database, rule, { identity, access: await accessOf(parts, identity), meant }, message);
        };
        const everyMs = parts.recheckMs ?? defaultRecheckMs;
        const messages = rechecked(response.message, { everyMs, check: still, lastsMs: identity.end?.lastsMs });
        return { ...response, message: followed(messages, trail, signal) };
      }
      await trail.end({ code: 'OK', made: rule.made?.(response.message) });
      return response;
    } catch (thrown) {
      await trail.end({ code: auditedCode(thrown, signal) });
      throw thrown;
    }
  };
}

/** Where the caller was told of an absence instead, the log still has the denial. */
function auditedCode(thrown: unknown, signal: AbortSignal): ErrorCode {
  return isDenial(thrown) ? 'PERMISSION_DENIED' : outcomeCode(thrown, signal);
}

interface Received {
  readonly message: Message;
  with(message: Message): UnaryRequest | StreamRequest;
}

/** The one message of a request, whose call has yet to be judged by it, and the request with another in its place. */
async function receive(request: UnaryRequest | StreamRequest): Promise<Received> {
  if (!request.stream) return { message: request.message, with: (message) => ({ ...request, message }) };
  const messages = request.message[Symbol.asyncIterator]();
  const first = await messages.next();
  if (first.done === true) throw new ConnectError('the request has no message', Code.Unimplemented);
  return { message: first.value, with: (message) => ({ ...request, message: resumed(message, messages) }) };
}

async function* resumed(first: Message, rest: AsyncIterator<Message>): AsyncIterable<Message> {
  yield first;
  yield* { [Symbol.asyncIterator]: () => rest };
}

async function* followed<T>(messages: AsyncIterable<T>, trail: AuditTrail, signal: AbortSignal): AsyncIterable<T> {
  // Stays so when the client leaves in between.
  let code = 'CANCELLED';
  try {
    yield* messages;
    code = signal.aborted ? outcomeCode(undefined, signal) : 'OK';
  } catch (thrown) {
    code = auditedCode(thrown, signal);
    throw thrown;
  } finally {
    await trail.end({ code });
  }
}

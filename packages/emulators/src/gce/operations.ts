import { isDeepStrictEqual } from 'node:util';

import { timeOf, type Call } from './call.js';
import { ApiError, OperationError } from './errors.js';
import { linkTo } from './links.js';
import { newId, type Operation } from './world.js';

/** What an operation is about. */
export interface Work {
  readonly type: string;
  /** Undefined for what belongs to no zone. */
  readonly zone: string | undefined;
  readonly targetPath: string;
  readonly targetId: string;
  /** Does it. May throw an {@link OperationError}, which everybody finds in the operation. */
  run(): Promise<void>;
}

/** The operation that a request with the same id has started before. Throws for an id that is none or was used for something else. */
export function repeated({ body, name, path, query, world }: Call): Operation | undefined {
  const id = query.get('requestId');
  if (id === null) return undefined;
  if (!/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(id) || /^[0-]*$/.test(id)) {
    throw new ApiError(400, 'invalid', `Invalid value for field 'requestId': '${id}'. A UUID other than zero is expected.`);
  }
  const before = world.requests.get(id);
  if (before === undefined) return undefined;
  if (isDeepStrictEqual(JSON.parse(before.content), JSON.parse(contentOf({ body, name, path })))) return before.operation;
  throw new ApiError(400, 'invalid', `The request id '${id}' was used for another request.`);
}

/** Starts an operation and answers it as it is by then. */
export function begin(call: Call, work: Work): object {
  const { caller, clock, name, query, settings, world } = call;
  const requestId = query.get('requestId') ?? undefined;
  const id = newId();
  const bornAt = clock.now();
  let end: () => void = () => undefined;
  const operation: Operation = {
    id,
    name: `operation-${bornAt}-${id}`,
    call: name,
    type: work.type,
    zone: work.zone,
    targetPath: work.targetPath,
    targetId: work.targetId,
    user: caller,
    bornAt,
    requestId,
    ended: new Promise((resolve) => (end = resolve)),
    endedAt: undefined,
    error: undefined,
  };
  world.operations.set(operation.name, operation);
  if (requestId !== undefined) world.requests.set(requestId, { content: contentOf(call), operation });
  const act = async () => {
    try {
      const failing = takeFailing(call);
      await clock.sleep(settings.operationMs);
      if (failing !== undefined) throw new OperationError(failing, 'This was injected by the emulator.', 503);
      await work.run();
    } catch (error) {
      const known = error instanceof OperationError ? error : new OperationError('INTERNAL_ERROR', String(error), 503);
      operation.error = { code: known.code, message: known.message, status: known.status, details: known.details };
    }
    operation.endedAt = clock.now();
    end();
  };
  void act();
  return describeOperation(call, operation);
}

function takeFailing({ name, settings }: Call): string | undefined {
  const met = settings.failOperations.find(({ call, times }) => call === name && times > 0);
  if (met === undefined) return undefined;
  settings.failOperations = settings.failOperations.map((one) => (one === met ? { ...one, times: one.times - 1 } : one));
  return met.code;
}

function contentOf({ body, name, path }: Pick<Call, 'body' | 'name' | 'path'>): string {
  return JSON.stringify({ name, path, body });
}

/** An operation as answers have it. */
export function describeOperation({ world }: Pick<Call, 'world'>, operation: Operation): object {
  const { bornAt, endedAt, error, id, name, requestId, targetId, targetPath, type, user, zone } = operation;
  const scope = `projects/${world.project}/${zone === undefined ? 'global' : `zones/${zone}`}`;
  const details = error === undefined || Object.keys(error.details).length === 0 ? undefined : error.details;
  return {
    kind: 'compute#operation',
    id,
    name,
    ...(zone === undefined ? {} : { zone: linkTo(scope) }),
    operationType: type,
    targetLink: linkTo(targetPath),
    targetId,
    status: endedAt === undefined ? 'RUNNING' : 'DONE',
    user,
    progress: endedAt === undefined ? 0 : 100,
    insertTime: timeOf(bornAt),
    startTime: timeOf(bornAt),
    ...(endedAt === undefined ? {} : { endTime: timeOf(endedAt) }),
    ...(requestId === undefined ? {} : { clientOperationId: requestId }),
    ...(error === undefined
      ? {}
      : {
          httpErrorStatusCode: error.status,
          httpErrorMessage: error.status === 503 ? 'SERVICE UNAVAILABLE' : 'FORBIDDEN',
          error: {
            errors: [
              {
                code: error.code,
                message: error.message,
                ...(details === undefined
                  ? {}
                  : { errorDetails: [{ errorInfo: { reason: error.code, domain: 'compute.googleapis.com', metadatas: details } }] }),
              },
            ],
          },
        }),
    selfLink: linkTo(`${scope}/operations/${name}`),
  };
}

import { Code, ConnectError } from '@connectrpc/connect';

import { FaultsSchema } from '../gen/murmur/api/v1/service_pb.js';

/** The canonical codes Murmur answers with, as they are printed. */
export type ErrorCode =
  | 'CANCELLED'
  | 'UNKNOWN'
  | 'INVALID_ARGUMENT'
  | 'NOT_FOUND'
  | 'ALREADY_EXISTS'
  | 'PERMISSION_DENIED'
  | 'RESOURCE_EXHAUSTED'
  | 'FAILED_PRECONDITION'
  | 'ABORTED'
  | 'UNIMPLEMENTED'
  | 'INTERNAL'
  | 'UNAVAILABLE'
  | 'DEADLINE_EXCEEDED'
  | 'UNAUTHENTICATED';

const wireCodes: Record<ErrorCode, Code> = {
  CANCELLED: Code.Canceled,
  UNKNOWN: Code.Unknown,
  INVALID_ARGUMENT: Code.InvalidArgument,
  NOT_FOUND: Code.NotFound,
  ALREADY_EXISTS: Code.AlreadyExists,
  PERMISSION_DENIED: Code.PermissionDenied,
  RESOURCE_EXHAUSTED: Code.ResourceExhausted,
  FAILED_PRECONDITION: Code.FailedPrecondition,
  ABORTED: Code.Aborted,
  UNIMPLEMENTED: Code.Unimplemented,
  INTERNAL: Code.Internal,
  UNAVAILABLE: Code.Unavailable,
  DEADLINE_EXCEEDED: Code.DeadlineExceeded,
  UNAUTHENTICATED: Code.Unauthenticated,
};

/** One thing wrong with a request: what, and what to do about it. */
export interface Fault {
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint?: string;
  /** The field at fault, such as `secret_allowlist[2]`. */
  readonly path?: string;
}

/** The only error Murmur throws on purpose. The cause is for the log and never travels to a client. */
export class MurmurError extends Error {
  override readonly name = 'MurmurError';
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  /** Every fault of the request; the first is this error's own code and message. */
  readonly faults: readonly Fault[];

  constructor(code: ErrorCode, message: string, options: { cause?: unknown; hint?: string; faults?: readonly Fault[] } = {}) {
    super(message, { cause: options.cause });
    this.code = code;
    this.hint = options.hint;
    this.faults = options.faults ?? [{ code, message, ...(options.hint === undefined ? {} : { hint: options.hint }) }];
  }

  /** The error whose message is the first of these faults and whose details are all of them. */
  static ofFaults(faults: readonly [Fault, ...Fault[]]): MurmurError {
    const [first] = faults;
    return new MurmurError(first.code, first.message, { faults, ...(first.hint === undefined ? {} : { hint: first.hint }) });
  }

  /** Whatever was thrown, as a MurmurError: one from the wire with its faults, anything unknown as INTERNAL. */
  static from(thrown: unknown): MurmurError {
    if (isMurmurError(thrown)) return thrown;
    if (thrown instanceof ConnectError) return fromConnect(thrown);
    return new MurmurError('INTERNAL', 'internal error', { cause: thrown });
  }

  /** This error as Connect sends it. */
  toConnect(): ConnectError {
    const faults = this.faults.map((fault) => ({
      code: fault.code,
      message: fault.message,
      hint: fault.hint ?? '',
      path: fault.path ?? '',
    }));
    return new ConnectError(this.message, wireCodes[this.code], undefined, [{ desc: FaultsSchema, value: { faults } }], this.cause);
  }
}

/** By shape, not by class: the bundled command line and the server it loads each have this class. */
export function isMurmurError(thrown: unknown): thrown is MurmurError {
  return thrown instanceof Error && thrown.name === 'MurmurError' && 'code' in thrown && 'faults' in thrown;
}

function fromConnect(error: ConnectError): MurmurError {
  const code = codeName(error.code);
  const faults = error.findDetails(FaultsSchema).flatMap((details) => details.faults);
  const [first] = faults;
  return new MurmurError(code, error.rawMessage, {
    cause: error,
    ...(first === undefined || first.hint === '' ? {} : { hint: first.hint }),
    ...(faults.length === 0
      ? {}
      : {
          faults: faults.map((fault) => ({
            code: isErrorCode(fault.code) ? fault.code : code,
            message: fault.message,
            ...(fault.hint === '' ? {} : { hint: fault.hint }),
            ...(fault.path === '' ? {} : { path: fault.path }),
          })),
        }),
  });
}

function codeName(code: Code): ErrorCode {
  for (const [name, wire] of Object.entries(wireCodes)) if (wire === code && isErrorCode(name)) return name;
  return 'UNKNOWN';
}

function isErrorCode(name: string): name is ErrorCode {
  return Object.hasOwn(wireCodes, name);
}

import { MurmurError } from '@murmur/api';

import { faultCodes, faultOfStatus } from '../cloud/faults.js';
import { PlatformFault, type FaultKind } from '../substrate.js';

/** Reasons of answers and codes of operations by what they ask for; what is not here is slow down by status, or final. */
const kinds = faultCodes({
  'not-yet':
    'resourceNotReady RESOURCE_NOT_READY resourceInUseByAnotherResource RESOURCE_IN_USE_BY_ANOTHER_RESOURCE operationInProgress conditionNotMet',
  'slow-down':
    'rateLimitExceeded userRateLimitExceeded backendError internalError internalServerError RESOURCE_OPERATION_RATE_EXCEEDED ' +
    'RATE_LIMIT_EXCEEDED INTERNAL_ERROR OPERATION_CANCELED_BY_INTERNAL_ERROR UNAVAILABLE',
  'no-room': 'STOCKOUT RESOURCE_POOL_EXHAUSTED',
  quota: 'quotaExceeded QUOTA_EXCEEDED limitExceeded LIMIT_EXCEEDED QUOTA_NOT_AVAILABLE',
  refused:
    'forbidden required authError PERMISSION_DENIED UNAUTHENTICATED PERMISSIONS_ERROR accessNotConfigured invalid_grant invalid_target ' +
    'unauthorized_client notFound RESOURCE_NOT_FOUND CONDITION_NOT_MET INVALID_USAGE',
});

/** An error that Google answered, or the absence of an answer. */
export class GoogleError extends Error {
  override readonly name = 'GoogleError';
  /** A reason or code of Google's; empty where no answer came. */
  readonly code: string;
  /** The HTTP status; undefined where no answer came. */
  readonly status: number | undefined;

  constructor(code: string, status: number | undefined, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.status = status;
  }
}

/** The code of an error that Google answered, wrapped or not; empty for any other. */
export function codeOf(error: unknown): string {
  const isWrapped = error instanceof PlatformFault || error instanceof MurmurError;
  const actual = isWrapped ? error.cause : error;
  return actual instanceof GoogleError ? actual.code : '';
}

/** Whether the token that asked is over, so that the call had no effect. */
export function isExpired(error: unknown): boolean {
  return error instanceof GoogleError && error.status === 401;
}

/** What an error asks for; undefined for one that is nobody's fault but the request's. */
export function kindOf(error: unknown): FaultKind | undefined {
  if (error instanceof PlatformFault) return error.kind;
  if (!(error instanceof GoogleError)) return undefined;
  // There is a longer one, and its end is not documented.
  if (error.code.startsWith('ZONE_RESOURCE_POOL_EXHAUSTED')) return 'no-room';
  const known = kinds.get(error.code);
  if (known !== undefined) return known;
  // No answer came: the request may have had its effect.
  return error.status === undefined ? 'slow-down' : faultOfStatus(error.status);
}

/** An error as the port has it. */
export function asFault(error: unknown): unknown {
  if (!(error instanceof GoogleError)) return error;
  const kind = kindOf(error);
  const said = `Google: ${error.code === '' ? '' : `${error.code}: `}${error.message}`;
  if (kind !== undefined) return new PlatformFault(said, { cause: error, kind });
  return new MurmurError('FAILED_PRECONDITION', said, { cause: error });
}

/** Takes some errors for an answer. */
export function unless(...known: readonly string[]): (error: unknown) => undefined {
  return (error) => {
    if (!known.includes(codeOf(error))) throw error;
    return undefined;
  };
}

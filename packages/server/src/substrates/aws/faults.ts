import { MurmurError } from '@murmur/api';

import { faultCodes, faultOfStatus } from '../cloud/faults.js';
import { PlatformFault, type FaultKind } from '../substrate.js';

/** Error codes by what they ask for (EC2's API reference, "Error codes"); what is not here is slow down by status, or final. */
const kinds = faultCodes({
  'not-yet':
    'InvalidInstanceID.NotFound InvalidAMIID.NotFound InvalidSnapshot.NotFound InvalidGroup.NotFound IncorrectInstanceState ' +
    'InvalidSnapshot.InUse DependencyViolation VolumeInUse InvalidNetworkInterface.InUse',
  'slow-down':
    'RequestLimitExceeded Throttling ThrottlingException ThrottledException Unavailable ServiceUnavailable InternalError InternalFailure ' +
    'RequestThrottled RequestThrottledException SnapshotCreationPerVolumeRateExceeded ConcurrentSnapshotLimitExceeded',
  'no-room': 'InsufficientInstanceCapacity InsufficientFreeAddressesInSubnet Unsupported InsufficientVolumeCapacity InsufficientCapacity',
  quota: 'VcpuLimitExceeded InstanceLimitExceeded VolumeLimitExceeded SnapshotLimitExceeded ResourceLimitExceeded MaxIOPSLimitExceeded',
  refused:
    'RequestExpired ExpiredToken ExpiredTokenException AuthFailure UnauthorizedOperation InvalidClientTokenId AccessDenied ' +
    'SignatureDoesNotMatch OptInRequired PendingVerification Blocked IdempotentParameterMismatch CredentialsProviderError',
  lost: 'IdempotentInstanceTerminated',
});

/** Why an instance ended before anybody asked it to (EC2's model, `StateReason`). */
const reasons = faultCodes({
  'no-room': 'Server.InsufficientInstanceCapacity Server.InsufficientCapacity',
  quota: 'Client.VolumeLimitExceeded Client.InstanceLimitExceeded',
  // Nearly always the key of its disk, which the role may not use.
  refused: 'Client.InternalError',
});

/** The code of an error that AWS answered, or the name of what came between. */
export function codeOf(error: unknown): string {
  const isWrapped = error instanceof PlatformFault || error instanceof MurmurError;
  const actual = isWrapped && error.cause instanceof Error ? error.cause : error;
  return actual instanceof Error ? actual.name : '';
}

/** Whether the session that asked is over, so that the call had no effect. */
export function isExpired(error: unknown): boolean {
  return /^(RequestExpired|ExpiredToken)/.test(codeOf(error));
}

/** What an error of the SDK asks for; undefined for one that is nobody's fault but the request's. */
export function kindOf(error: unknown): FaultKind | undefined {
  if (error instanceof PlatformFault) return error.kind;
  const known = kinds.get(codeOf(error));
  if (known !== undefined) return known;
  const status = (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode;
  // No answer came: the request may have had its effect.
  if (status === undefined) return error instanceof MurmurError || isOurs(error) ? undefined : 'slow-down';
  return faultOfStatus(status);
}

/** A mistake of this program's, which waiting does not mend. */
function isOurs(error: unknown): boolean {
  return (error instanceof TypeError || error instanceof RangeError) && !('$metadata' in error);
}

/** An error as the port has it. */
export function asFault(error: unknown): unknown {
  if (error instanceof PlatformFault || error instanceof MurmurError || isOurs(error)) return error;
  const kind = kindOf(error);
  const said = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  if (kind !== undefined) return new PlatformFault(`AWS: ${said}`, { cause: error, kind });
  return new MurmurError('FAILED_PRECONDITION', `AWS: ${said}`, { cause: error });
}

/** What it asks for that an instance ended by itself, for this reason. */
export function kindOfReason(code: string): FaultKind {
  return reasons.get(code) ?? 'lost';
}

/** Takes some errors for an answer. */
export function unless(...known: readonly string[]): (error: unknown) => undefined {
  return (error) => {
    if (!known.includes(codeOf(error))) throw error;
    return undefined;
  };
}

import { MurmurError } from '@murmur/api';

import { PlatformFault, type FaultKind } from '../substrate.js';

/** Error codes by what they ask for (EC2's API reference, "Error codes"); what is not here is slow down by status, or final. */
const kinds: Readonly<Record<string, FaultKind>> = {
  ...codes('not-yet', 'InvalidInstanceID.NotFound InvalidAMIID.NotFound IncorrectInstanceState InvalidSnapshot.InUse DependencyViolation'),
  ...codes('slow-down', 'RequestLimitExceeded Throttling ThrottlingException Unavailable ServiceUnavailable InternalError InternalFailure'),
  ...codes('no-room', 'InsufficientInstanceCapacity InsufficientFreeAddressesInSubnet Unsupported InsufficientVolumeCapacity'),
  ...codes('quota', 'VcpuLimitExceeded InstanceLimitExceeded VolumeLimitExceeded SnapshotLimitExceeded ResourceLimitExceeded'),
  ...codes(
    'refused',
    'RequestExpired ExpiredToken ExpiredTokenException AuthFailure UnauthorizedOperation InvalidClientTokenId AccessDenied',
  ),
  ...codes('refused', 'SignatureDoesNotMatch IdempotentParameterMismatch'),
  ...codes('lost', 'IdempotentInstanceTerminated'),
};

function codes(kind: FaultKind, names: string): Record<string, FaultKind> {
  return Object.fromEntries(names.split(' ').map((name) => [name, kind]));
}

/** The code of an error that AWS answered, or the name of what came between. */
export function codeOf(error: unknown): string {
  return error instanceof Error ? error.name : '';
}

/** What an error of the SDK asks for; undefined for one that is nobody's fault but the request's. */
export function kindOf(error: unknown): FaultKind | undefined {
  if (error instanceof PlatformFault) return error.kind;
  const known = kinds[codeOf(error)];
  if (known !== undefined) return known;
  const status = (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode;
  // No answer came: the request may have had its effect.
  if (status === undefined) return error instanceof MurmurError ? undefined : 'slow-down';
  return status >= 500 ? 'slow-down' : undefined;
}

/** An error as the port has it. */
export function asFault(error: unknown): unknown {
  if (error instanceof PlatformFault || error instanceof MurmurError) return error;
  const kind = kindOf(error);
  const said = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return kind === undefined ? error : new PlatformFault(`AWS: ${said}`, { cause: error, kind });
}

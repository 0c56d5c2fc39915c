import { type CreateApiKeyRequest, type Fault, MurmurError, byteLength, parseDuration } from '@murmur/api';

import { maxDescriptionBytes } from '../catalog/shared-rows.js';
import { isSubject } from '../catalog/permissions/subjects.js';

const nanosecondsPerHour = 3_600_000_000_000n;

/** Ten years, give or take the leap days. */
const longestHours = 87_600n;

/** How long the key asked for lasts, in milliseconds, if it ends at all. Throws INVALID_ARGUMENT with every fault of the request. */
export function checkKeyRequest(request: Pick<CreateApiKeyRequest, 'subject' | 'description' | 'expiresIn'>): { lastsMs?: number } {
  const faults: Fault[] = [...subjectFaults('subject', request.subject), ...textFaults(request.description)];
  const duration = request.expiresIn === '' ? undefined : parseDuration(request.expiresIn);
  if (request.expiresIn !== '') faults.push(...expiryFaults(duration));
  const [first, ...others] = faults;
  if (first !== undefined) throw MurmurError.ofFaults([first, ...others]);
  return duration === undefined ? {} : { lastsMs: Math.ceil(Number(duration) / 1e6) };
}

/** What is wrong with the subject of a key. */
export function* subjectFaults(path: string, subject: string): Iterable<Fault> {
  const hint = 'Name a user such as ana@example.com, or service-profile/NAME: 1 to 255 bytes, without spaces around it.';
  if (subject === '') yield { code: 'INVALID_ARGUMENT', message: `${path} is required`, hint, path };
  else if (!isSubject(subject) || subject.includes('\0')) {
    yield { code: 'INVALID_ARGUMENT', message: `${path}: invalid user`, hint, path };
  }
}

function* textFaults(description: string): Iterable<Fault> {
  const path = 'description';
  if (byteLength(description) > maxDescriptionBytes) {
    const hint = `Shorten the description to ${maxDescriptionBytes} bytes or fewer.`;
    yield { code: 'INVALID_ARGUMENT', message: `description exceeds ${maxDescriptionBytes} byte limit`, hint, path };
  } else if (description.includes('\0')) {
    yield { code: 'INVALID_ARGUMENT', message: 'description must not contain NUL characters', path };
  }
}

function* expiryFaults(duration: bigint | undefined): Iterable<Fault> {
  const path = 'expires_in';
  const hint = 'Use a Go duration of at most ten years, such as 720h.';
  if (duration === undefined) yield { code: 'INVALID_ARGUMENT', message: 'expires_in: invalid duration', hint, path };
  else if (duration <= 0n) yield { code: 'INVALID_ARGUMENT', message: 'expires_in: duration must be positive', hint, path };
  else if (duration > longestHours * nanosecondsPerHour) {
    yield { code: 'INVALID_ARGUMENT', message: `expires_in exceeds ${longestHours}h maximum`, hint, path };
  }
}

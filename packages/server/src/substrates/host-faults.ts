import { HostCommandError } from './host-command.js';
import { PlatformFault, type FaultKind } from './substrate.js';

/** What an error of the host says of itself, in the words for a bake; the first that fits. Paths stay in the log. */
const words: readonly (readonly [RegExp, string, FaultKind])[] = [
  [/ENOSPC|EDQUOT|No space left|quota exceeded/i, "the server's host has no room left on its disk", 'no-room'],
  [/EIO|EROFS|Input\/output error|Read-only file system/i, "the server's host could not read or write its disk", 'lost'],
  [/EACCES|EPERM|Permission denied|Operation not permitted/i, 'the server may not do on its host what the machine needs', 'refused'],
  [/EMFILE|ENFILE|ENOMEM|EAGAIN|Cannot allocate memory/i, "the server's host has no memory or processes to spare", 'no-room'],
];

/** Does work on this host for a machine. What the host fails at is a {@link PlatformFault}: neither the script nor a bug of ours. */
export async function onHost<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof Error) || !(error instanceof HostCommandError || isOfSystem(error))) throw error;
    const [, message, kind] = words.find(([pattern]) => pattern.test(error.message)) ?? [];
    throw new PlatformFault(message ?? "the server's host failed at what the machine needs", { cause: error, kind: kind ?? 'lost' });
  }
}

function isOfSystem(error: Error): boolean {
  return 'syscall' in error && 'code' in error && typeof error.code === 'string';
}

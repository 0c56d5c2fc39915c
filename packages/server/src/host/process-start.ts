import { readFile } from 'node:fs/promises';

/**
 * When the process with this id started, in the kernel's own units, or undefined when there is none that still runs.
 * Together with the id it names one process for as long as the machine is up: ids are used again, pairs are not.
 *
 * Where there is no `/proc`, an existing process answers an empty string.
 */
export async function processStart(pid: number): Promise<string | undefined> {
  if (process.platform !== 'linux') return exists(pid) ? '' : undefined;
  try {
    // The second field is the program's name in parentheses and may itself hold spaces and parentheses.
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    // A zombie has ended; only its parent has not asked yet.
    return fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19];
  } catch (error) {
    if (isGone(error)) return undefined;
    throw error;
  }
}

/** Whether this error says that the file or process asked about is not there. */
export function isGone(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ESRCH');
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return !isGone(error);
  }
}

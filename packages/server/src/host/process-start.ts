import { lstat, readFile } from 'node:fs/promises';

/**
 * When the process with this id started, in the kernel's own units, or undefined when there is none that still runs.
 * Together with the id it names one process for as long as the machine is up: ids are used again, pairs are not.
 *
 * Where there is no `/proc`, an existing process answers an empty string.
 */
export async function processStart(pid: number): Promise<string | undefined> {
  if (process.platform !== 'linux') return exists(pid) ? '' : undefined;
  const [state = 'X', ...fields] = await statOf(pid);
  // A zombie has ended; only its parent has not asked yet.
  return state === 'Z' || state === 'X' ? undefined : fields[18];
}

/** The kernel's letter for what a process does, such as `T` while it is stopped by a signal; undefined where that cannot be known. */
export async function processState(pid: number): Promise<string | undefined> {
  return process.platform === 'linux' ? (await statOf(pid))[0] : undefined;
}

/** The fields of a process from its state on; none when there is no such process. */
async function statOf(pid: number): Promise<readonly string[]> {
  try {
    // The second field is the program's name in parentheses and may itself hold spaces and parentheses.
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch (error) {
    if (isGone(error)) return [];
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

/** Whether there is an entry of this name, be it a link to nothing. */
export async function isThere(file: string): Promise<boolean> {
  try {
    await lstat(file);
    return true;
  } catch (error) {
    if (isGone(error)) return false;
    throw error;
  }
}

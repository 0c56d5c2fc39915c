import { MurmurError, type Fault } from '@murmur/api';

const namePattern = /^[A-Z][A-Z0-9_]*$/;

/** Names that change how a shell, its startup or the dynamic loader works, and so could take over the script. */
const refusedNames = new Set(
  (
    'PATH IFS ENV HOME PWD OLDPWD SHELL SHELLOPTS BASHOPTS PS0 PS1 PS2 PS3 PS4 CDPATH GLOBIGNORE EXECIGNORE POSIXLY_CORRECT PROMPT_COMMAND ' +
    'FUNCNEST OPTIND OPTARG OPTERR UID EUID PPID GROUPS RANDOM SECONDS LINENO GCONV_PATH LOCPATH NLSPATH GETCONF_DIR HOSTALIASES TZDIR'
  ).split(' '),
);
const refusedPrefixes = ['LD_', 'BASH_', 'GLIBC_', 'MALLOC_'];

/** One value must fit in one environment string of Linux (128 KiB with its name). */
const largestValue = 64 * 1024;
/** All of them, in bytes, must leave room in the environment that `execve` takes. */
export const largestTotal = 512 * 1024;

/**
 * Checks what `-e` forwards: names as secrets are named, none that steers a shell or the loader, values that fit an
 * environment. Throws INVALID_ARGUMENT with every fault, in name order.
 */
export function checkVariables(variables: Readonly<Record<string, string>>): void {
  const faults: Fault[] = [];
  let total = 0;
  for (const [name, value] of Object.entries(variables).toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    total += Buffer.byteLength(value);
    const fault = faultOf(name, value);
    if (fault !== undefined) faults.push({ code: 'INVALID_ARGUMENT', path: `variables.${name}`, ...fault });
  }
  if (total > largestTotal) faults.push({ code: 'INVALID_ARGUMENT', message: 'forwarded variables exceed 512 KiB limit' });
  const [first, ...others] = faults;
  if (first !== undefined) throw MurmurError.ofFaults([first, ...others]);
}

function faultOf(name: string, value: string): Pick<Fault, 'message' | 'hint'> | undefined {
  if (!namePattern.test(name)) return { message: `secret name ${JSON.stringify(name)} must match [A-Z][A-Z0-9_]*` };
  if (name.startsWith('MURMUR_')) return { message: `secret name "${name}" is reserved (MURMUR_* is internal)` };
  if (isSteering(name)) {
    return {
      message: `variable "${name}" cannot be forwarded: it changes how a shell or the loader works`,
      hint: 'Set it inside the provisioning script.',
    };
  }
  if (value.includes('\0')) return { message: `variable "${name}" contains a NUL character` };
  if (Buffer.byteLength(value) > largestValue) return { message: `variable "${name}" exceeds 64 KiB limit` };
  return undefined;
}

/** Whether a variable of this name changes how a shell or the loader works. */
export function isSteering(name: string): boolean {
  return refusedNames.has(name) || refusedPrefixes.some((prefix) => name.startsWith(prefix));
}

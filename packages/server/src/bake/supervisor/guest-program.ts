import { shellQuote } from '@murmur/api';

import { guestScript } from './guest-script.js';

/** Where the supervisor lives in the guest: memory of its own, because `/run` is small and mounted noexec. */
export const guestFolder = '/run/murmur';

/** The environment every provisioning script starts with, besides what its recipe and `-e` add. */
const plainEnvironment = {
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  HOME: '/root',
  USER: 'root',
  LOGNAME: 'root',
  SHELL: '/bin/sh',
  LANG: 'C.UTF-8',
  TERM: 'linux',
  DEBIAN_FRONTEND: 'noninteractive',
};

/** What a provisioning script is started with. */
export interface ScriptStart {
  readonly script: string;
  readonly variables: Readonly<Record<string, string>>;
  readonly timeoutSeconds: number;
}

/**
 * A program for the guest's `sh`, to be sent on standard input: it mounts the memory, puts supervisor and script there and
 * starts them, or finds them started. Prints `started`. Nothing runs unless the whole program has arrived, and a variable's
 * value is in no argument and no file.
 */
export function startProgram(start: ScriptStart, folder: string = guestFolder): string {
  return `${beginning(start, folder)}begin; echo started\n`;
}

/**
 * The same program, which prints `started` to standard error instead and then does as {@link readCommand}: a script that ends
 * soon needs no other command.
 */
export function startAndReadProgram(start: ScriptStart, from: number, folder: string = guestFolder): string {
  return `${beginning(start, folder)}begin; echo started >&2; ${readCommand(from, from, folder)}\n`;
}

/** Defines what starts the script, for a line that begins with it: a shell runs no line before it has read it whole. */
function beginning(start: ScriptStart, folder: string): string {
  const variables = Object.entries(start.variables).map(([name, value]) => `export ${name}=${shellQuote(value)}\n`);
  const environment = Object.entries(plainEnvironment).map(([name, value]) => `${name}=${value}`);
  return `begin() {
  set -e
  umask 077
  mkdir -p ${folder}
  grep -q ' ${guestFolder} ' /proc/mounts || [ ${folder} != ${guestFolder} ] ||
    mount -t tmpfs -o size=40m,mode=0700,exec,nosuid,nodev murmur ${guestFolder}
  cd ${folder}
  if [ ! -d run ]; then
    printf %s ${shellQuote(guestScript)} >supervisor.new
    printf %s ${shellQuote(start.script)} >script.new
    chmod 700 supervisor.new script.new
    mv supervisor.new supervisor
    mv script.new script
    printf %s ${shellQuote(`${variables.join('')}: murmur complete`)} |
      env -i ${environment.join(' ')} setsid sh ${folder}/supervisor supervise ${Math.max(1, Math.ceil(start.timeoutSeconds))} >/dev/null 2>&1 &
  fi
  waited=0
  while [ ! -e run/started ] && [ "$waited" -lt 300 ]; do
    waited=$((waited + 1))
    if [ "$waited" -gt 10 ] || ! sleep 0.02 2>/dev/null; then sleep 0.1 2>/dev/null || sleep 1; fi
  done
  [ -e run/started ]
}
`;
}

/** The command that drops stored output and reads on; see the supervisor for what it prints. */
export function readCommand(stored: number, from: number, folder: string = guestFolder): string {
  // A guest that restarted has lost its memory, and the supervisor with it.
  return `if [ -e ${folder}/supervisor ]; then sh ${folder}/supervisor read ${stored} ${from}; else echo absent >&2; fi`;
}

/** The command that ends the script's process tree. */
export function stopCommand(folder: string = guestFolder): string {
  return `[ ! -e ${folder}/supervisor ] || sh ${folder}/supervisor stop`;
}

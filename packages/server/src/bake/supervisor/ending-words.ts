import { firstLineFault, firstLineWords } from '../../catalog/kinds/recipe/first-line.js';

const mebibytesPerGibibyte = 1024;

/** What a script ran as, as far as it explains how it ended. */
export interface ScriptSetting {
  readonly script: string;
  /** What its machine has. */
  readonly memoryMb: number;
}

/** Why a script failed: the words of the error, and whether the last lines of its output belong to them. */
export interface ScriptFailure {
  readonly words: string;
  readonly showsOutput: boolean;
}

/**
 * Puts the state in which the supervisor saw a script end into words, the same for every substrate. Undefined for a state that
 * no supervisor writes; `timed-out` is the caller's to say.
 */
export function scriptFailure(state: string, { memoryMb, script }: ScriptSetting): ScriptFailure | undefined {
  if (state === 'lost') return { words: 'the script ended its own supervisor in the machine', showsOutput: false };
  if (state === 'absent') return { words: 'the machine restarted while the script ran', showsOutput: false };
  const wrong = firstLineFault(script);
  const about = wrong === undefined ? undefined : firstLineWords[wrong.fault](wrong.line);
  const missing = /^no-interpreter (\S+)/.exec(state)?.[1];
  if (missing !== undefined) {
    const line = script.split('\n', 1)[0] ?? '';
    const words = about ?? `the first line is ${JSON.stringify(line.slice(0, 300))}, but the image has no ${JSON.stringify(missing)}`;
    return { words: `the script could not be started: ${words}`, showsOutput: false };
  }
  const [, code, reason] = /^exited (\d+)( out-of-memory)?$/.exec(state) ?? [];
  if (code === undefined) return undefined;
  const outOfMemory = `the machine ran out of memory; its environment has ${amount(memoryMb)}`;
  const because = reason === undefined ? about : outOfMemory;
  return { words: `script exited with code ${code}${because === undefined ? '' : ` (${because})`}`, showsOutput: true };
}

function amount(memoryMb: number): string {
  return memoryMb % mebibytesPerGibibyte === 0 ? `${memoryMb / mebibytesPerGibibyte} GiB` : `${memoryMb} MiB`;
}

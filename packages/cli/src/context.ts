import type { CommandContext, StricliProcess } from '@stricli/core';

import type { MurmurClient } from './client/connect.js';
import type { Settings } from './config/settings.js';
import type { GlobalFlags } from './global-flags.js';
import { type GuardedOutput, guardOutput } from './output/shown-controls.js';

/** Where a command writes. */
export interface Output {
  write(chunk: string | Uint8Array): unknown;
  readonly isTTY?: boolean | undefined;
}

/** Where a command reads from. */
export interface Input extends AsyncIterable<Uint8Array | string> {
  readonly isTTY?: boolean | undefined;
  /** Of a terminal: in raw mode it shows nothing of what is typed and hands over every key. */
  setRawMode?(mode: boolean): unknown;
}

/** Everything of the process a command may touch; tests bring their own. */
export interface Surroundings {
  readonly stdin: Input;
  readonly stdout: Output;
  readonly stderr: Output;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly home: string;
  readonly isRoot: boolean;
  /** A signal that Ctrl-C or a polite kill aborts. Asking for it switches off the process's default of dying at once. */
  interruption(): AbortSignal;
}

/** What a command gets to run with. */
export interface Context extends CommandContext, Surroundings {
  readonly stdout: GuardedOutput;
  readonly stderr: GuardedOutput;
  readonly process: StricliProcess;
  readonly globals: GlobalFlags;
  /** Set by a command that succeeded as a request but has a code of its own to pass on. */
  exitCode: number | undefined;
  settings(): Promise<Settings>;
  connect(): Promise<MurmurClient>;
}

/** A command's context: connections and settings are made when first asked for, and once. */
export function createContext(surroundings: Surroundings, globals: GlobalFlags): Context {
  let settings: Promise<Settings> | undefined;
  let client: Promise<MurmurClient> | undefined;
  const [stdout, stderr] = [guardOutput(surroundings.stdout), guardOutput(surroundings.stderr)];
  const context: Context = {
    ...surroundings,
    stdout,
    stderr,
    process: {
      stdout: { write: (text) => void stdout.write(text) },
      stderr: { write: (text) => void stderr.write(text) },
      env: surroundings.env,
    },
    globals,
    exitCode: undefined,
    settings() {
      settings ??= import('./config/settings.js').then(({ loadSettings }) => loadSettings(context, globals));
      return settings;
    },
    connect() {
      client ??= Promise.all([context.settings(), import('./client/connect.js')]).then(([loaded, { createMurmurClient }]) =>
        createMurmurClient(loaded),
      );
      return client;
    },
  };
  return context;
}

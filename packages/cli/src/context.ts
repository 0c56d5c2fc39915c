import type { CommandContext, StricliProcess } from '@stricli/core';

import type { MurmurClient } from './client/connect.js';
import type { Settings } from './config/settings.js';
import type { GlobalFlags } from './global-flags.js';
import { type GuardedOutput, guardOutput } from './output/shown-controls.js';
import type { Surroundings } from './surroundings.js';

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

/** Where a command writes. */
export interface Output {
  /** `taken` is called when there is room for more. */
  write(chunk: string | Uint8Array, taken?: () => void): unknown;
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

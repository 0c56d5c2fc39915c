/** The forms results are printed in. */
export const outputFormats = ['table', 'yaml', 'json'] as const;

/** A form to print results in. */
export type OutputFormat = (typeof outputFormats)[number];

/** The flag `-o`, for every command that prints something. */
export const outputFlag = {
  kind: 'enum',
  values: outputFormats,
  optional: true,
  brief: 'How to print the result: table, yaml or json',
} as const;

/** What a command with {@link outputFlag} receives. */
export type OutputFlags = {
  readonly output?: OutputFormat;
};

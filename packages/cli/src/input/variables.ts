import { usageError } from '../failure.js';

/**
 * The variables `-e` forwards to a bake: `FOO=bar` says the value, `FOO` takes it from this environment. The last one of
 * a name counts.
 */
export function readVariables(written: readonly string[], env: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const variables = new Map<string, string>();
  for (const item of written) {
    const equals = item.indexOf('=');
    const name = equals === -1 ? item : item.slice(0, equals);
    if (name === '') throw usageError('-e names no variable', 'Write it as -e NAME or -e NAME=value.');
    const value = equals === -1 ? env[name] : item.slice(equals + 1);
    if (value === undefined) {
      throw usageError(`-e ${name}: ${name} is not set in this environment`, `Set it first, or say the value: -e ${name}=value`);
    }
    variables.set(name, value);
  }
  return Object.fromEntries(variables);
}

import { isOrdinary, isTooShort } from './redaction/forms.js';

/** What a log's redaction does with each of these variables, in a line for its reader; empty when there are none. */
export function redactedNames(variables: Readonly<Record<string, string>>): string {
  const names = Object.keys(variables).toSorted();
  const short = names.filter((name) => isTooShort(variables[name] ?? ''));
  const words = names.filter((name) => !short.includes(name) && isOrdinary(variables[name] ?? ''));
  const secrets = names.filter((name) => !short.includes(name) && !words.includes(name));
  return [
    ...(secrets.length === 0 ? [] : [`the values of ${secrets.join(', ')} are redacted in this log`]),
    ...(words.length === 0 ? [] : [`those of ${words.join(', ')} are ordinary words and redacted only where they stand alone`]),
    ...(short.length === 0 ? [] : [`those of ${short.join(', ')} are too short to be redacted`]),
  ]
    .join('; ')
    .replace(/^those/, 'the values');
}

import { printYaml } from '@murmur/api';

export { messageToDocument, specToDocument } from '@murmur/api';

/**
 * A plain value in a form that programs read. This file is loaded only when such a form is asked for, because the YAML
 * library behind it would double the time a table takes.
 */
export function renderDocument(format: 'yaml' | 'json', value: unknown): string {
  return format === 'json' ? `${JSON.stringify(value, undefined, 2)}\n` : printYaml(value);
}

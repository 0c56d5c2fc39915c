import { printYaml, type Resource, specToDocument } from '@murmur/api';

export { messageToDocument, specToDocument } from '@murmur/api';

/** A resource's document with what it is: its kind first, its generation last. Written back, it says what it was read from. */
export function resourceToDocument(resource: Resource): Record<string, unknown> {
  const { generation, kind } = resource;
  return { kind, ...specToDocument(resource), ...(generation > 0n ? { generation: Number(generation) } : {}) };
}

/**
 * A plain value in a form that programs read. This file is loaded only when such a form is asked for, because the YAML
 * library behind it would double the time a table takes.
 */
export function renderDocument(format: 'yaml' | 'json', value: unknown): string {
  return format === 'json' ? `${JSON.stringify(value, undefined, 2)}\n` : printYaml(value);
}

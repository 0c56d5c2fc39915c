import { type Resource, specToDocument } from '@murmur/api';

import { usageError } from '../failure.js';

/** What chooses among the resources of a list. */
export interface ResourceFilters {
  /** `field=value` each; the field's path with dots. */
  readonly filter?: readonly string[];
  readonly author?: string;
  readonly substrate?: string;
}

/** Whether a resource is what all filters ask for. */
export function filterOf({ author, filter = [], substrate }: ResourceFilters): (resource: Resource) => boolean {
  const fields = filter.map((written) => {
    const at = written.indexOf('=');
    if (at < 1)
      throw usageError(`--filter "${written}" is not of the form field=value`, 'Write it like --filter base_image_qemu_ref=debian.');
    return { path: written.slice(0, at), value: written.slice(at + 1) };
  });
  return (resource) => {
    if (author !== undefined && resource.author !== author) return false;
    if (fields.length === 0 && substrate === undefined) return true;
    const document = specToDocument(resource);
    if (substrate !== undefined && !isOf(document, substrate.toLowerCase())) return false;
    return fields.every(({ path, value }) => isValue(at(document, path), value));
  };
}

/** An image has a source that is called like its substrate; a placement names it. */
function isOf(document: Record<string, unknown>, substrate: string): boolean {
  const names = substrate === 'gce' || substrate === 'gcp' ? ['gce', 'gcp'] : [substrate];
  return names.some((name) => name in document || isValue(document['substrate'], name));
}

function at(document: unknown, path: string): unknown {
  return path
    .split('.')
    .reduce<unknown>(
      (value, key) => (typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[key] : undefined),
      document,
    );
}

/** Enumerations are printed with their type before them, which nobody types. */
function isValue(found: unknown, wanted: string): boolean {
  if (Array.isArray(found)) return found.some((one) => isValue(one, wanted));
  const text = typeof found === 'string' ? found : found === undefined ? '' : JSON.stringify(found);
  return text === wanted || (/^[A-Z0-9_]+$/.test(text) && text.toLowerCase().endsWith(`_${wanted.toLowerCase().replaceAll('-', '_')}`));
}

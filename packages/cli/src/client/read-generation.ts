import { MurmurError } from '@murmur/api';

import { renderTime } from '../output/time.js';
import type { MurmurClient } from './connect.js';

/** One generation of a resource as text. */
export interface GenerationText {
  readonly generation: number;
  /** The document; empty where the resource was deleted, and for generation 0. */
  readonly text: string;
  /** Who wrote it and when. */
  readonly about: string;
}

/** The number of the newest generation, also of a resource that has been deleted. */
export async function newestGeneration(client: MurmurClient, kind: string, name: string): Promise<number> {
  const { generations } = await client.listGenerations({ kind, name, pageSize: 1 });
  return Number(generations[0]?.generation ?? 0);
}

/** A generation by its number. Fails when the resource has none of that number. */
export async function readGeneration(client: MurmurClient, kind: string, name: string, generation: number): Promise<GenerationText> {
  if (generation === 0) return { generation, text: '', about: '' };
  try {
    const { resource } = await client.getResource({ kind, name, generation: BigInt(generation) });
    const { renderDocument, specToDocument } = await import('../output/document.js');
    const text = resource === undefined ? '' : renderDocument('yaml', specToDocument(resource));
    return { generation, text, about: resource === undefined ? '' : `, ${resource.author}, ${renderTime(resource.updateTime)}` };
  } catch (thrown) {
    if (MurmurError.from(thrown).code !== 'NOT_FOUND') throw thrown;
    // Only the history tells a removal from a number that never was.
    const { generations } = await client.listGenerations({ kind, name, pageSize: 1, newest: BigInt(generation) });
    const [entry] = generations;
    if (entry?.removed !== true || Number(entry.generation) !== generation) throw thrown;
    return { generation, text: '', about: `, deleted by ${entry.author}, ${renderTime(entry.time)}` };
  }
}

import { type Generation, MurmurError } from '@murmur/api';

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
  try {
    const { resource } = await client.getResource({ kind, name });
    return Number(resource?.generation ?? 0);
  } catch (thrown) {
    const [newest] = await generationsUnless(client, kind, name, thrown);
    return Number(newest?.generation ?? 0);
  }
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
    // Only the history tells a removal from a number that never was.
    const entry = (await generationsUnless(client, kind, name, thrown)).find((candidate) => Number(candidate.generation) === generation);
    if (entry === undefined || !entry.removed) throw thrown;
    return { generation, text: '', about: `, deleted by ${entry.author}, ${renderTime(entry.time)}` };
  }
}

async function generationsUnless(client: MurmurClient, kind: string, name: string, thrown: unknown): Promise<Generation[]> {
  if (MurmurError.from(thrown).code !== 'NOT_FOUND') throw thrown;
  return (await client.listGenerations({ kind, name })).generations;
}

import { MurmurError } from '@murmur/api';

/** What a document says about its resource beside the fields of its kind, as `murmur get -o yaml` prints it. */
export interface DocumentHeader {
  /** As it was written, whatever that is; undefined when it was not. */
  readonly kind: unknown;
  /** The generation that the document was read at; undefined when it does not say. */
  readonly generation: bigint | undefined;
  readonly fields: Record<string, unknown>;
}

/** Takes the header off a document. No kind has fields of these names. */
export function takeHeader({ kind, generation, ...fields }: Record<string, unknown>): DocumentHeader {
  return { kind: kind ?? undefined, generation: generationOf(generation), fields };
}

/** Throws INVALID_ARGUMENT for a document that says it is of another kind than it is written as. */
export function requireKind({ kind: written }: DocumentHeader, kind: string): void {
  if (written === undefined || written === kind) return;
  const message = typeof written === 'string' ? `kind "${written}" does not match "${kind}"` : 'kind: expected string';
  throw new MurmurError('INVALID_ARGUMENT', message, { hint: `Write "kind: ${kind}", or leave it out.` });
}

function generationOf(written: unknown): bigint | undefined {
  if (written === undefined || written === null) return undefined;
  const isWhole = typeof written === 'number' ? Number.isSafeInteger(written) : typeof written === 'string' && /^\d{1,18}$/.test(written);
  if (!isWhole || BigInt(written as number | string) < 0n) {
    throw new MurmurError('INVALID_ARGUMENT', 'generation: expected whole number', {
      hint: 'It is the generation that the document was read at. Leave it out to write whatever is there now.',
    });
  }
  return BigInt(written as number | string);
}

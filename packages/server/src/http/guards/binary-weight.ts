import { type DescField, type DescMessage, ScalarType } from '@bufbuild/protobuf';
import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';
import { MurmurError, refusal } from '@murmur/api';

import { guardErrors, maxDepth } from './errors.js';

/** As {@link assertWeight}, of a message in protobuf's binary format. */
export function assertBinaryWeight(bytes: Uint8Array, schema: DescMessage, maxElements: number): void {
  try {
    new Walk(new BinaryReader(bytes), maxElements).message(bytes.length, schema, 0);
  } catch (thrown) {
    // The reader throws its own errors for what is no message.
    throw thrown instanceof MurmurError ? thrown : malformed(thrown);
  }
}

/** One way through the bytes of a message, from field to field. */
class Walk {
  readonly #reader: BinaryReader;
  readonly #maxElements: number;
  #elements = 0;

  constructor(reader: BinaryReader, maxElements: number) {
    this.#reader = reader;
    this.#maxElements = maxElements;
  }

  message(end: number, schema: DescMessage, depth: number): void {
    if (depth > maxDepth) throw refusal(guardErrors.tooDeep, []);
    while (this.#reader.pos < end) {
      const [number, type] = this.#reader.tag();
      this.#count(1);
      // Groups lie in each other without limit, and none of our messages has one.
      if (type === WireType.StartGroup || type === WireType.EndGroup) throw malformed();
      const field = schema.fields.find((known) => known.number === number);
      if (type === WireType.LengthDelimited) this.#delimited(end, field, depth);
      else this.#reader.skip(type, number);
    }
  }

  #delimited(end: number, field: DescField | undefined, depth: number): void {
    const length = this.#reader.uint32();
    const until = this.#reader.pos + length;
    if (until > end) throw malformed();
    if (field?.message !== undefined) this.message(until, field.message, depth + 1);
    else if (isPacked(field)) this.#count(length);
    this.#reader.pos = until;
  }

  #count(elements: number): void {
    this.#elements += elements;
    if (this.#elements > this.#maxElements) throw refusal(guardErrors.tooManyElements, [String(this.#maxElements)]);
  }
}

/** Whether numbers may stand side by side in the field, each of them in a single byte. */
function isPacked(field: DescField | undefined): boolean {
  return field?.fieldKind === 'list' && field.scalar !== ScalarType.STRING && field.scalar !== ScalarType.BYTES;
}

function malformed(cause?: unknown): MurmurError {
  return refusal(guardErrors.malformed, [], { cause });
}

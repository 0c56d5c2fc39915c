import type { JsonObject } from '@bufbuild/protobuf';
import { type Image, type Provenance, isMapping } from '@murmur/api';

const sources = ['aws', 'gce', 'docker', 'qemu'];

/** What produced an image; undefined for one that was written by hand. */
export function provenanceOf({ source }: Image): Provenance | undefined {
  return source.value?.provenance;
}

/** Whether a document says what produced the image, which only a bake may. */
export function carriesProvenance(written: JsonObject): boolean {
  return sources.some((source) => {
    const value = written[source];
    return isMapping(value) && value['provenance'] !== undefined;
  });
}

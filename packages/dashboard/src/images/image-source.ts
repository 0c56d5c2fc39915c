import { Architecture, type Image, type Provenance, type Resource } from '@murmur/api';

/** What produced an image; undefined for one that no bake made. */
export function provenanceOf(resource: Resource): Provenance | undefined {
  return resource.spec.case === 'image' ? resource.spec.value.source.value?.provenance : undefined;
}

/** Where the machines of an image run, as the command line names it. */
export function substrateOf({ source }: Image): string {
  return source.case ?? '';
}

/** Such as `amd64`. */
export function architectureOf({ architecture }: Image): string {
  return architecture === Architecture.UNSPECIFIED ? '' : (Architecture[architecture] ?? '').toLowerCase();
}

/** Where an image lies, as names and values. */
export function sourceFacts({ source }: Image): readonly (readonly [string, string])[] {
  switch (source.case) {
    case 'aws':
      return Object.entries(source.value.amiIds).map(([region, id]) => [`AMI in ${region}`, id]);
    case 'gce':
      return [['Self link', source.value.selfLink]];
    case 'docker':
      return [
        ['Image', source.value.imageRef],
        ['Pulled with secret', source.value.pullCredentialSecret],
      ];
    case 'qemu':
      return [['Disk', source.value.diskDigest]];
    case undefined:
      return [];
  }
}

import type { AwsSource, DockerSource, GceSource, Image, QemuSource } from '@murmur/api';

import { type Faults, fault } from '../../faults.js';
import { amiId, diskDigest, selfLink } from './formats.js';
import { imageErrors } from './errors.js';
import { isImageReference } from './oci-reference.js';

/** What is wrong with an image's source. None and several of them read the same. */
export function* checkSource({ source }: Image): Faults {
  switch (source.case) {
    case undefined:
      return yield fault(imageErrors.sourceRequired, '');
    case 'aws':
      return yield* checkAws(source.value);
    case 'gce':
      return yield* checkGce(source.value);
    case 'docker':
      return yield* checkDocker(source.value);
    case 'qemu':
      return yield* checkQemu(source.value);
  }
}

function* checkAws({ amiIds }: AwsSource): Faults {
  const entries = Object.entries(amiIds).sort(([a], [b]) => (a < b ? -1 : 1));
  if (entries.length === 0) yield fault(imageErrors.amiIdsEmpty, 'aws.ami_ids');
  for (const [region, id] of entries) {
    if (region === '') yield fault(imageErrors.amiRegionEmpty, 'aws.ami_ids');
    else if (!amiId.test(id)) yield fault(imageErrors.amiIdPattern, `aws.ami_ids[${region}]`, region);
  }
}

function* checkGce({ selfLink: link }: GceSource): Faults {
  if (link === '') yield fault(imageErrors.selfLinkRequired, 'gce.self_link');
  else if (!selfLink.test(link)) yield fault(imageErrors.selfLinkInvalid, 'gce.self_link');
}

function* checkDocker({ imageRef }: DockerSource): Faults {
  if (imageRef === '') yield fault(imageErrors.imageRefRequired, 'docker.image_ref');
  else if (!isImageReference(imageRef)) yield fault(imageErrors.imageRefInvalid, 'docker.image_ref');
}

function* checkQemu({ diskDigest: digest }: QemuSource): Faults {
  if (digest === '') yield fault(imageErrors.diskDigestRequired, 'qemu.disk_digest');
  else if (!diskDigest.test(digest)) yield fault(imageErrors.diskDigestInvalid, 'qemu.disk_digest');
}

import { create } from '@bufbuild/protobuf';
import { Architecture, type Image, ImageSchema, type Substrate } from '@murmur/api';

/** What the operator's configuration says about the builtins. */
export interface BuiltinConfig {
  /** The local substrates this server is set up for: each gets its placement. */
  readonly localSubstrates: readonly (keyof typeof Substrate)[];
  /** The architecture of local machines: the host's. */
  readonly localArchitecture: 'AMD64' | 'ARM64';
  /** The AMIs behind `murmur-aws-base`, by region. Without them that image does not exist. */
  readonly awsBaseAmis?: Readonly<Record<string, string>>;
  /** The self-link behind `murmur-gce-base`; Debian's own family unless given. */
  readonly gceBaseSelfLink?: string;
}

const debianFamily = 'projects/debian-cloud/global/images/family/debian-12';

/** The base images for GCP and AWS. That for QEMU comes with its first build. */
export function baseImages({ awsBaseAmis, gceBaseSelfLink }: BuiltinConfig): Image[] {
  const gce = create(ImageSchema, {
    name: 'murmur-gce-base',
    description: 'Debian 12 on GCE',
    architecture: Architecture.AMD64,
    source: { case: 'gce', value: { selfLink: gceBaseSelfLink ?? debianFamily } },
  });
  if (awsBaseAmis === undefined || Object.keys(awsBaseAmis).length === 0) return [gce];
  const aws = create(ImageSchema, {
    name: 'murmur-aws-base',
    description: 'Debian 12 on EC2',
    architecture: Architecture.AMD64,
    source: { case: 'aws', value: { amiIds: { ...awsBaseAmis } } },
  });
  return [gce, aws];
}

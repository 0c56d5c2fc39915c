import { create } from '@bufbuild/protobuf';
import { type DiskType, DiskTypeSchema, Substrate } from '@murmur/api';

/** The disk types of GCP and AWS; local machines have no choice of them. */
export const diskTypes: readonly DiskType[] = [
  diskType('pd-balanced', Substrate.GCP, 'Balanced persistent disk on GCP'),
  diskType('pd-ssd', Substrate.GCP, 'Fast persistent disk on GCP'),
  diskType('gp3', Substrate.AWS, 'General purpose EBS volume on AWS'),
];

function diskType(typeName: string, substrate: Substrate, description: string): DiskType {
  return create(DiskTypeSchema, { name: `murmur-${typeName}`, description, substrate, typeName });
}

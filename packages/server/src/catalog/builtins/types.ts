import { create } from '@bufbuild/protobuf';
import { Architecture, type DiskType, DiskTypeSchema, type MachineType, MachineTypeSchema, Substrate } from '@murmur/api';

import type { BuiltinConfig } from './base-images.js';

interface Row {
  readonly typeName: string;
  readonly vcpus: number;
  readonly memoryGb: number;
}

const gcp: readonly Row[] = [
  { typeName: 'n2-standard-2', vcpus: 2, memoryGb: 8 },
  { typeName: 'n2-standard-4', vcpus: 4, memoryGb: 16 },
  { typeName: 'n2-standard-8', vcpus: 8, memoryGb: 32 },
  { typeName: 'e2-medium', vcpus: 2, memoryGb: 4 },
];
const aws: readonly Row[] = [
  { typeName: 'm7i.large', vcpus: 2, memoryGb: 8 },
  { typeName: 'm7i.xlarge', vcpus: 4, memoryGb: 16 },
  { typeName: 't3.medium', vcpus: 2, memoryGb: 4 },
];
const awsArm: readonly Row[] = [{ typeName: 'm7g.large', vcpus: 2, memoryGb: 8 }];
const qemu: readonly Row[] = [
  { typeName: 'qemu-small', vcpus: 1, memoryGb: 1 },
  { typeName: 'qemu-medium', vcpus: 2, memoryGb: 4 },
];
const docker: readonly Row[] = [{ typeName: 'docker-small', vcpus: 1, memoryGb: 1 }];

/** The machine types of every substrate. Local ones have the architecture of the server's host. */
export function machineTypes({ localArchitecture }: BuiltinConfig): MachineType[] {
  const local = Architecture[localArchitecture];
  return [
    ...qemu.map((row) => machineType(row, Substrate.QEMU, local, 'QEMU')),
    ...docker.map((row) => machineType(row, Substrate.DOCKER, local, 'Docker')),
    ...gcp.map((row) => machineType(row, Substrate.GCP, Architecture.AMD64, 'GCP')),
    ...aws.map((row) => machineType(row, Substrate.AWS, Architecture.AMD64, 'AWS')),
    ...awsArm.map((row) => machineType(row, Substrate.AWS, Architecture.ARM64, 'AWS, arm64')),
  ];
}

function machineType({ typeName, vcpus, memoryGb }: Row, substrate: Substrate, architecture: Architecture, place: string): MachineType {
  return create(MachineTypeSchema, {
    name: `murmur-${typeName.replaceAll('.', '-')}`,
    description: `${vcpus} vCPU${vcpus === 1 ? '' : 's'} and ${memoryGb} GiB on ${place}`,
    substrate,
    vcpus,
    memoryGb,
    architecture,
    typeName,
  });
}

/** The disk types of GCP and AWS; local machines have no choice of them. */
export const diskTypes: readonly DiskType[] = [
  diskType('pd-balanced', Substrate.GCP, 'Balanced persistent disk on GCP'),
  diskType('pd-ssd', Substrate.GCP, 'Fast persistent disk on GCP'),
  diskType('gp3', Substrate.AWS, 'General purpose EBS volume on AWS'),
];

function diskType(typeName: string, substrate: Substrate, description: string): DiskType {
  return create(DiskTypeSchema, { name: `murmur-${typeName}`, description, substrate, typeName });
}

import type { EbsBlockDevice, Image } from '@aws-sdk/client-ec2';

/**
 * How fast a disk is, by its type. A bake writes the whole of it once and reads it once for the snapshot, which is most of the
 * time that a bake takes; gp3 has 3000 IOPS and 125 MiB/s unless more is asked for, and AWS takes at most a quarter MiB/s for each.
 */
const speeds: Readonly<Record<string, Pick<EbsBlockDevice, 'Iops' | 'Throughput'>>> = {
  gp3: { Iops: 6000, Throughput: 500 },
  io1: { Iops: 3000 },
  io2: { Iops: 3000 },
};

/** The disk of a machine: encrypted, and gone with the machine. A size of 0 is the image's own. */
export function rootDiskOf(base: Image, diskType: string, sizeGb: number): { DeviceName: string; Ebs: EbsBlockDevice } {
  const type = diskType === '' ? 'gp3' : diskType;
  return {
    DeviceName: rootNameOf(base),
    Ebs: {
      VolumeType: type as NonNullable<EbsBlockDevice['VolumeType']>,
      Encrypted: true,
      DeleteOnTermination: true,
      ...(sizeGb > 0 ? { VolumeSize: sizeGb } : {}),
      ...speeds[type],
    },
  };
}

/** The size of an image's root disk in GiB, where it says so. */
export function rootSizeOf(image: Image): number | undefined {
  return image.BlockDeviceMappings?.find(({ DeviceName }) => DeviceName === rootNameOf(image))?.Ebs?.VolumeSize;
}

function rootNameOf({ BlockDeviceMappings, RootDeviceName }: Image): string {
  return RootDeviceName ?? BlockDeviceMappings?.[0]?.DeviceName ?? '/dev/xvda';
}

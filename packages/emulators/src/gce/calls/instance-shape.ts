import { timeOf, type Call } from '../call.js';
import { fingerprintOf } from '../json.js';
import { linkTo } from '../links.js';
import { zonalPath, type Instance } from '../world.js';
import { metadataOf } from './places.js';

/** An instance as answers have it. */
export function describeInstance({ world }: Pick<Call, 'world'>, instance: Instance): object {
  const { address, bornAt, disk, endsAt, id, labels, machineType, metadata, name, network, publicAddress, scheduling, shielded, status } =
    instance;
  const { autoDelete, serviceAccounts, subnetwork, tags, zone } = instance;
  const zonePath = `projects/${world.project}/zones/${zone}`;
  const path = zonalPath(world, 'instances', instance);
  const running = status === 'RUNNING';
  return {
    kind: 'compute#instance',
    id,
    creationTimestamp: timeOf(bornAt),
    name,
    tags: { ...(tags.length === 0 ? {} : { items: tags }), fingerprint: fingerprintOf(tags) },
    machineType: linkTo(`${zonePath}/machineTypes/${machineType}`),
    status,
    zone: linkTo(zonePath),
    canIpForward: false,
    networkInterfaces: [
      {
        kind: 'compute#networkInterface',
        name: 'nic0',
        network: linkTo(network),
        subnetwork: linkTo(subnetwork),
        networkIP: address,
        stackType: 'IPV4_ONLY',
        fingerprint: fingerprintOf(address),
        ...(publicAddress
          ? {
              accessConfigs: [
                {
                  kind: 'compute#accessConfig',
                  type: 'ONE_TO_ONE_NAT',
                  name: 'External NAT',
                  networkTier: 'PREMIUM',
                  ...(running ? { natIP: address } : {}),
                },
              ],
            }
          : {}),
      },
    ],
    disks: [
      {
        kind: 'compute#attachedDisk',
        type: 'PERSISTENT',
        mode: 'READ_WRITE',
        source: linkTo(zonalPath(world, 'disks', disk)),
        deviceName: 'persistent-disk-0',
        index: 0,
        boot: true,
        autoDelete,
        interface: 'SCSI',
        diskSizeGb: String(disk.sizeGb),
        architecture: 'X86_64',
      },
    ],
    metadata: metadataOf(metadata),
    ...(serviceAccounts.length === 0 ? {} : { serviceAccounts }),
    selfLink: linkTo(path),
    scheduling,
    ...(Object.keys(labels).length === 0 ? {} : { labels }),
    labelFingerprint: fingerprintOf(labels),
    fingerprint: fingerprintOf([id, status]),
    startRestricted: false,
    deletionProtection: false,
    shieldedInstanceConfig: shielded,
    cpuPlatform: running ? 'Intel Cascade Lake' : 'Unknown CPU Platform',
    ...(endsAt === undefined ? {} : { resourceStatus: { scheduling: { terminationTimestamp: timeOf(endsAt) } } }),
  };
}

import { checkFingerprint, ownProject, timeOf, zoneOf, type Call, type Route } from '../call.js';
import { ApiError, notFound } from '../errors.js';
import { fingerprintOf, labelsOf, textOf } from '../json.js';
import { linkTo } from '../links.js';
import { aggregated, listAnswer } from '../listing.js';
import { begin, describeOperation, repeated } from '../operations.js';
import { zonalPath, type Disk, type World } from '../world.js';

function describe(world: World, disk: Disk): object {
  const { bornAt, id, labels, name, sizeGb, sourceImage, type, user, zone } = disk;
  const path = zonalPath(world, 'disks', disk);
  return {
    kind: 'compute#disk',
    id,
    creationTimestamp: timeOf(bornAt),
    name,
    sizeGb: String(sizeGb),
    zone: linkTo(`projects/${world.project}/zones/${zone}`),
    status: 'READY',
    type: linkTo(`projects/${world.project}/zones/${zone}/diskTypes/${type}`),
    ...(sourceImage === undefined ? {} : { sourceImage: linkTo(sourceImage.path), sourceImageId: sourceImage.id }),
    ...(user === undefined ? {} : { users: [linkTo(zonalPath(world, 'instances', user))] }),
    ...(Object.keys(labels).length === 0 ? {} : { labels }),
    labelFingerprint: fingerprintOf(labels),
    architecture: 'X86_64',
    selfLink: linkTo(path),
  };
}

function diskOf(call: Call): Disk {
  const path = `projects/${ownProject(call)}/zones/${zoneOf(call)}/disks/${call.path['disk']}`;
  const disk = call.world.disks.get(`${call.path['zone']}/${call.path['disk']}`);
  if (disk === undefined) throw notFound(path);
  return disk;
}

/** The calls about disks. */
export const diskRoutes: readonly Route[] = [
  {
    name: 'disks.get',
    method: 'GET',
    template: 'zones/{zone}/disks/{disk}',
    permissions: ['compute.disks.get'],
    run: (call) => describe(call.world, diskOf(call)),
  },
  {
    name: 'disks.list',
    method: 'GET',
    template: 'zones/{zone}/disks',
    permissions: ['compute.disks.list'],
    run(call) {
      const [project, zone] = [ownProject(call), zoneOf(call)];
      const here = [...call.world.disks.values()].filter((disk) => disk.zone === zone).map((disk) => describe(call.world, disk));
      return listAnswer(call, 'diskList', `projects/${project}/zones/${zone}/disks`, here);
    },
  },
  {
    name: 'disks.aggregatedList',
    method: 'GET',
    template: 'aggregated/disks',
    permissions: ['compute.disks.list'],
    run(call) {
      ownProject(call);
      const all = [...call.world.disks.values()].map((disk) => ({ zone: disk.zone, shown: describe(call.world, disk) }));
      return aggregated(call, 'disk', 'disks', all);
    },
  },
  {
    name: 'disks.setLabels',
    method: 'POST',
    template: 'zones/{zone}/disks/{resource}/setLabels',
    permissions: ['compute.disks.setLabels'],
    run(call) {
      const disk = diskOf({ ...call, path: { ...call.path, disk: call.path['resource'] ?? '' } });
      checkFingerprint(textOf(call.body, 'labelFingerprint'), fingerprintOf(disk.labels), 'Labels');
      disk.labels = labelsOf(call.body);
      const targetPath = zonalPath(call.world, 'disks', disk);
      return begin(call, { type: 'setLabels', zone: disk.zone, targetPath, targetId: disk.id, run: () => Promise.resolve() });
    },
  },
  {
    name: 'disks.delete',
    method: 'DELETE',
    template: 'zones/{zone}/disks/{disk}',
    permissions: ['compute.disks.delete'],
    run(call) {
      const before = repeated(call);
      if (before !== undefined) return describeOperation(call, before);
      const disk = diskOf(call);
      const targetPath = zonalPath(call.world, 'disks', disk);
      if (disk.user !== undefined) throw inUse(targetPath, zonalPath(call.world, 'instances', disk.user));
      if (disk.captures > 0) throw inUse(targetPath, 'an image that is being made of it');
      return begin(call, {
        type: 'delete',
        zone: disk.zone,
        targetPath,
        targetId: disk.id,
        async run() {
          call.world.disks.delete(`${disk.zone}/${disk.name}`);
          await call.machines.removeFile(disk.file);
        },
      });
    },
  },
];

function inUse(path: string, user: string): ApiError {
  return new ApiError(400, 'resourceInUseByAnotherResource', `The disk resource '${path}' is already being used by '${user}'`);
}

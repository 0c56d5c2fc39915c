import { checkFingerprint, ownProject, timeOf, type Call, type Route } from '../call.js';
import { ApiError, invalid, notFound, OperationError } from '../errors.js';
import { fingerprintOf, labelsOf, nameOf, required, textOf } from '../json.js';
import { linkTo, pathOf } from '../links.js';
import { listAnswer } from '../listing.js';
import { begin, describeOperation, repeated } from '../operations.js';
import { imagePath, newId, zonalPath, type Disk, type Image, type World } from '../world.js';

/** An image as answers have it. */
function describeImage(image: Image): object {
  const { bornAt, deprecated, description, family, id, labels, name, project, sizeGb, source, status, storageLocations } = image;
  return {
    kind: 'compute#image',
    id,
    creationTimestamp: timeOf(bornAt),
    name,
    description,
    sourceType: 'RAW',
    ...(source === undefined ? {} : { sourceDisk: linkTo(source.path), sourceDiskId: source.id }),
    ...(deprecated === undefined ? {} : { deprecated: { state: deprecated } }),
    status,
    ...(family === '' ? {} : { family }),
    archiveSizeBytes: status === 'READY' ? String(sizeGb * 1024 ** 3) : '0',
    diskSizeGb: String(sizeGb),
    architecture: 'X86_64',
    guestOsFeatures: [{ type: 'VIRTIO_SCSI_MULTIQUEUE' }, { type: 'UEFI_COMPATIBLE' }, { type: 'GVNIC' }],
    storageLocations: storageLocations.length === 0 ? ['us'] : storageLocations,
    ...(Object.keys(labels).length === 0 ? {} : { labels }),
    labelFingerprint: fingerprintOf(labels),
    selfLink: linkTo(imagePath({ ...image, project })),
  };
}

/** The image that a link names: itself, or the newest of a family that is not deprecated. Throws where there is none. */
export function findImage(world: World, link: string): Image {
  const path = pathOf(link, world.project);
  const [, project = '', family, name = ''] =
    /^projects\/([^/]+)\/(?:global|zones\/[^/]+)\/(?:images\/(?:(family)\/)?|(?:imageFamilyViews)\/)([^/]+)$/.exec(path) ?? [];
  const byFamily = family !== undefined || path.includes('/imageFamilyViews/');
  const image = byFamily ? newestOf(world, project, name) : world.images.get(`${project}/${name}`);
  if (image === undefined) throw notFound(path);
  return image;
}

function newestOf(world: World, project: string, family: string): Image | undefined {
  return [...world.images.values()]
    .filter((one) => one.project === project && one.family === family && one.deprecated === undefined && one.status === 'READY')
    .sort((a, b) => b.bornAt - a.bornAt)[0];
}

/** The image that a call's path names, in our project or the public one. */
function imageOf(call: Call): Image {
  const project = readable(call);
  const name = call.path['image'] ?? '';
  const image = call.world.images.get(`${project}/${name}`);
  if (image === undefined) throw notFound(`projects/${project}/global/images/${name}`);
  return image;
}

function readable(call: Call): string {
  return call.path['project'] === call.world.publicProject ? call.world.publicProject : ownProject(call);
}

function ownImage(call: Call): Image {
  ownProject(call);
  return imageOf(call);
}

async function makeImage(call: Call, image: Image, disk: Disk): Promise<void> {
  const { clock, machines, settings, world } = call;
  const fails = settings.failImages > 0;
  if (fails) settings.failImages--;
  try {
    if (!settings.withoutMachines) await machines.copy(disk.file, image.file);
    await clock.sleep(settings.imagePendingMs);
    if (fails) {
      image.status = 'FAILED';
      throw new OperationError('INTERNAL_ERROR', `Internal error. Please try again. (image ${image.name})`, 503);
    }
    if (image.status === 'PENDING') image.status = 'READY';
  } finally {
    disk.captures--;
  }
  if (!world.images.has(`${image.project}/${image.name}`)) await machines.removeFile(image.file);
}

const insert: Route = {
  name: 'images.insert',
  method: 'POST',
  template: 'global/images',
  permissions: ({ body }) => [
    'compute.images.create',
    'compute.disks.useReadOnly',
    ...(body['labels'] === undefined ? [] : ['compute.images.setLabels']),
  ],
  run(call) {
    const before = repeated(call);
    if (before !== undefined) return describeOperation(call, before);
    const { body, clock, machines, query, world } = call;
    const project = ownProject(call);
    const name = nameOf(body);
    const path = `projects/${project}/global/images/${name}`;
    if (world.images.has(`${project}/${name}`)) throw new ApiError(409, 'alreadyExists', `The resource '${path}' already exists`);
    const sourcePath = pathOf(required(body, 'sourceDisk'), project);
    const disk = [...world.disks.values()].find((one) => zonalPath(world, 'disks', one) === sourcePath);
    if (disk === undefined) throw invalid('resource.sourceDisk', sourcePath, 'The referenced disk resource cannot be found.');
    const isUsed = disk.user !== undefined && disk.user.status !== 'TERMINATED';
    if (isUsed && query.get('forceCreate') !== 'true') {
      throw new ApiError(
        400,
        'resourceInUseByAnotherResource',
        `The disk resource '${sourcePath}' is already being used by '${zonalPath(world, 'instances', disk.user ?? disk)}'`,
      );
    }
    const locations = body['storageLocations'];
    const id = newId();
    const image: Image = {
      id,
      name,
      project,
      bornAt: clock.now(),
      labels: labelsOf(body),
      family: textOf(body, 'family') ?? '',
      description: textOf(body, 'description') ?? '',
      sizeGb: disk.sizeGb,
      file: machines.imageFile(id),
      boot: disk.boot,
      source: { path: sourcePath, id: disk.id },
      storageLocations: Array.isArray(locations) ? locations.map(String) : [],
      status: 'PENDING',
      deprecated: undefined,
    };
    world.images.set(`${project}/${name}`, image);
    disk.captures++;
    return begin(call, { type: 'insert', zone: undefined, targetPath: path, targetId: id, run: () => makeImage(call, image, disk) });
  },
};

const remove: Route = {
  name: 'images.delete',
  method: 'DELETE',
  template: 'global/images/{image}',
  permissions: ['compute.images.delete'],
  run(call) {
    const before = repeated(call);
    if (before !== undefined) return describeOperation(call, before);
    const image = ownImage(call);
    if (image.status === 'PENDING') {
      throw new ApiError(400, 'resourceNotReady', `The resource '${imagePath(image)}' is not ready`);
    }
    image.status = 'DELETING';
    return begin(call, {
      type: 'delete',
      zone: undefined,
      targetPath: imagePath(image),
      targetId: image.id,
      async run() {
        call.world.images.delete(`${image.project}/${image.name}`);
        await call.machines.removeFile(image.file);
      },
    });
  },
};

const setLabels: Route = {
  name: 'images.setLabels',
  method: 'POST',
  template: 'global/images/{image}/setLabels',
  permissions: ['compute.images.setLabels'],
  run(call) {
    const image = ownImage(call);
    checkFingerprint(textOf(call.body, 'labelFingerprint'), fingerprintOf(image.labels), 'Labels');
    image.labels = labelsOf(call.body);
    return begin(call, {
      type: 'setLabels',
      zone: undefined,
      targetPath: imagePath(image),
      targetId: image.id,
      run: () => Promise.resolve(),
    });
  },
};

/** The calls about images. */
export const imageRoutes: readonly Route[] = [
  insert,
  remove,
  setLabels,
  {
    name: 'images.get',
    method: 'GET',
    template: 'global/images/{image}',
    permissions: ['compute.images.get'],
    run: (call) => describeImage(imageOf(call)),
  },
  {
    name: 'images.getFromFamily',
    method: 'GET',
    template: 'global/images/family/{family}',
    permissions: ['compute.images.getFromFamily'],
    run: (call) => describeImage(findImage(call.world, `projects/${readable(call)}/global/images/family/${call.path['family']}`)),
  },
  {
    name: 'imageFamilyViews.get',
    method: 'GET',
    template: 'zones/{zone}/imageFamilyViews/{family}',
    permissions: ['compute.images.getFromFamily'],
    run: (call) => ({
      image: describeImage(findImage(call.world, `projects/${readable(call)}/global/images/family/${call.path['family']}`)),
    }),
  },
  {
    name: 'images.list',
    method: 'GET',
    template: 'global/images',
    permissions: ['compute.images.list'],
    run(call) {
      const project = readable(call);
      const shown = [...call.world.images.values()].filter((image) => image.project === project).map((image) => describeImage(image));
      return listAnswer(call, 'imageList', `projects/${project}/global/images`, shown);
    },
  },
];

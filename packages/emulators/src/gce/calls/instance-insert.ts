import { ownProject, zoneOf, type Call, type Route } from '../call.js';
import { ApiError, invalid, OperationError } from '../errors.js';
import { isBody, labelsOf, listOf, nameOf, objectOf, required, textOf, type Body } from '../json.js';
import { lastOf, pathOf } from '../links.js';
import { begin, describeOperation, repeated } from '../operations.js';
import { imagePath, newId, zonalPath, type Disk, type Image, type Instance } from '../world.js';
import { findImage } from './images.js';
import { diskTypes, machineTypes, network as onlyNetwork } from './places.js';

const [shortestRun, longestRun] = [30, 120 * 24 * 3600];

/** Metadata as a request has it: a list of keys and values. */
export function readMetadata(body: Body): Readonly<Record<string, string>> {
  return Object.fromEntries(listOf(body, 'items').map((item) => [required(item, 'key'), textOf(item, 'value') ?? '']));
}

function readScheduling(body: Body): Pick<Instance, 'scheduling' | 'maxRunSeconds' | 'onLimit'> {
  const asked = objectOf(body, 'scheduling');
  const limit = asked['maxRunDuration'];
  const action = textOf(asked, 'instanceTerminationAction');
  const shown = { onHostMaintenance: 'MIGRATE', automaticRestart: true, preemptible: false, provisioningModel: 'STANDARD', ...asked };
  if (limit === undefined) return { scheduling: shown, maxRunSeconds: undefined, onLimit: 'STOP' };
  const seconds = isBody(limit) ? Number(limit['seconds']) : Number.NaN;
  if (!Number.isInteger(seconds) || seconds < shortestRun || seconds > longestRun) {
    const why = `Value must be between ${shortestRun} and ${longestRun} seconds.`;
    throw invalid('resource.scheduling.maxRunDuration', JSON.stringify(limit), why);
  }
  if (action !== 'DELETE' && action !== 'STOP') {
    throw invalid('resource.scheduling.instanceTerminationAction', action, 'It has to be given with a limit: DELETE or STOP.');
  }
  // A 64-bit number travels as a text.
  return { scheduling: { ...shown, maxRunDuration: { seconds: String(seconds) } }, maxRunSeconds: seconds, onLimit: action };
}

function readNetwork(call: Call, body: Body): Pick<Instance, 'network' | 'subnetwork' | 'publicAddress'> {
  const { world } = call;
  const [card, ...more] = listOf(body, 'networkInterfaces');
  if (card === undefined || more.length > 0) throw invalid('resource.networkInterfaces', '', 'One network interface is expected here.');
  const network = pathOf(textOf(card, 'network') ?? `global/networks/${onlyNetwork}`, world.project);
  const subnetwork = pathOf(textOf(card, 'subnetwork') ?? `regions/${world.region}/subnetworks/${onlyNetwork}`, world.project);
  if (network !== `projects/${world.project}/global/networks/${onlyNetwork}`) {
    throw invalid('resource.networkInterfaces[0].network', network, 'The referenced network resource cannot be found.');
  }
  if (subnetwork !== `projects/${world.project}/regions/${world.region}/subnetworks/${onlyNetwork}`) {
    throw invalid('resource.networkInterfaces[0].subnetwork', subnetwork, 'The referenced subnetwork resource cannot be found.');
  }
  return { network, subnetwork, publicAddress: listOf(card, 'accessConfigs').length > 0 };
}

function readBootImage(call: Call, parameters: Body): Image {
  const link = required(parameters, 'sourceImage');
  let image: Image;
  try {
    image = findImage(call.world, link);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    throw invalid('resource.disks[0].initializeParams.sourceImage', link, 'The referenced image resource cannot be found.');
  }
  if (image.status === 'READY') return image;
  throw new ApiError(400, 'resourceNotReady', `The resource '${imagePath(image)}' is not ready`);
}

function newDisk(call: Call, zone: string, name: string, parameters: Body, image: Image): Disk {
  const { clock, machines, world } = call;
  const id = newId();
  const type = lastOf(textOf(parameters, 'diskType') ?? 'pd-standard');
  if (!diskTypes.includes(type)) throw invalid('resource.disks[0].initializeParams.diskType', type, 'The disk type does not exist.');
  const sizeGb = Number(textOf(parameters, 'diskSizeGb') ?? image.sizeGb);
  if (!Number.isInteger(sizeGb) || sizeGb < image.sizeGb) {
    const why = `Requested disk size cannot be smaller than the image size (${image.sizeGb} GB)`;
    throw invalid('resource.disks[0].initializeParams.diskSizeGb', sizeGb, why);
  }
  const path = `projects/${world.project}/zones/${zone}/disks/${name}`;
  if (world.disks.has(`${zone}/${name}`)) throw new ApiError(409, 'alreadyExists', `The resource '${path}' already exists`);
  return {
    id,
    name,
    zone,
    bornAt: clock.now(),
    labels: labelsOf(parameters),
    type,
    sizeGb,
    file: machines.diskFile(id),
    boot: image.boot,
    sourceImage: { path: imagePath(image), id: image.id },
    user: undefined,
    captures: 0,
  };
}

function readDisk(
  call: Call,
  zone: string,
  body: Body,
  instanceName: string,
): { disk: Disk; autoDelete: boolean; image: Image | undefined } {
  const [asked, ...more] = listOf(body, 'disks');
  if (asked === undefined || more.length > 0 || asked['boot'] !== true) {
    throw invalid('resource.disks', '', 'One boot disk is expected here.');
  }
  const autoDelete = asked['autoDelete'] === true;
  const source = textOf(asked, 'source');
  if (source === undefined) {
    const parameters = objectOf(asked, 'initializeParams');
    const image = readBootImage(call, parameters);
    return { disk: newDisk(call, zone, textOf(parameters, 'diskName') ?? instanceName, parameters, image), autoDelete, image };
  }
  const disk = call.world.disks.get(`${zone}/${lastOf(source)}`);
  if (disk === undefined) throw invalid('resource.disks[0].source', source, 'The referenced disk resource cannot be found.');
  if (disk.user !== undefined) {
    throw new ApiError(400, 'resourceInUseByAnotherResource', `The disk resource '${source}' is already being used`);
  }
  return { disk, autoDelete, image: undefined };
}

function readServiceAccounts(body: Body): Instance['serviceAccounts'] {
  return listOf(body, 'serviceAccounts').map((one) => {
    const scopes = one['scopes'];
    return { email: required(one, 'email'), scopes: Array.isArray(scopes) ? scopes.map(String) : [] };
  });
}

function readTags(body: Body): readonly string[] {
  const items = objectOf(body, 'tags')['items'];
  return Array.isArray(items) ? items.map(String) : [];
}

/** Starts the machine, or says why it cannot. What stands in the lists until then goes if it cannot. */
async function launch(call: Call, instance: Instance, image: Image | undefined): Promise<void> {
  const { machines, settings, world } = call;
  try {
    const used = [...world.instances.values()].reduce((sum, { cpus, status }) => sum + (status === 'TERMINATED' ? 0 : cpus), 0);
    if (used > settings.cpuQuota) {
      const said = `Quota 'CPUS' exceeded.  Limit: ${settings.cpuQuota}.0 in region ${world.region}.`;
      throw new OperationError('QUOTA_EXCEEDED', said, 403);
    }
    if (settings.fullZones.includes(instance.zone)) {
      const zonesAvailable = world.zones.filter((zone) => !settings.fullZones.includes(zone)).join(',');
      const path = `projects/${world.project}/zones/${instance.zone}`;
      const said = `The zone '${path}' does not have enough resources available to fulfill the request.  Try a different zone, or try again later.`;
      throw new OperationError(settings.fullCode, said, 503, { zonesAvailable, vmType: instance.machineType });
    }
    await machines.launch(instance, image?.file, image?.sizeGb ?? 0);
  } catch (error) {
    world.instances.delete(`${instance.zone}/${instance.name}`);
    instance.disk.user = undefined;
    if (image !== undefined) world.disks.delete(`${instance.zone}/${instance.disk.name}`);
    throw error;
  }
}

/** Makes a machine. */
export const insertInstance: Route = {
  name: 'instances.insert',
  method: 'POST',
  template: 'zones/{zone}/instances',
  permissions: ({ body }) => {
    const [card = {}] = listOf(body, 'networkInterfaces');
    const [disk = {}] = listOf(body, 'disks');
    return [
      'compute.instances.create',
      'compute.instances.setMetadata',
      'compute.disks.create',
      'compute.images.useReadOnly',
      'compute.subnetworks.use',
      ...(listOf(card, 'accessConfigs').length > 0 ? ['compute.subnetworks.useExternalIp'] : []),
      ...(body['labels'] === undefined ? [] : ['compute.instances.setLabels']),
      ...(objectOf(disk, 'initializeParams')['labels'] === undefined ? [] : ['compute.disks.setLabels']),
      ...(body['tags'] === undefined ? [] : ['compute.instances.setTags']),
      ...(listOf(body, 'serviceAccounts').length === 0 ? [] : ['compute.instances.setServiceAccount', 'iam.serviceAccounts.actAs']),
    ];
  },
  async run(call) {
    const before = repeated(call);
    if (before !== undefined) return describeOperation(call, before);
    const { body, clock, machines, world } = call;
    const [project, zone, name] = [ownProject(call), zoneOf(call), nameOf(body)];
    const path = `projects/${project}/zones/${zone}/instances/${name}`;
    const address = await machines.newAddress();
    // Nobody waits between here and the registration, so that of two calls at once one finds the other's.
    try {
      if (world.instances.has(`${zone}/${name}`)) throw new ApiError(409, 'alreadyExists', `The resource '${path}' already exists`);
      const machineType = lastOf(required(body, 'machineType'));
      const type = machineTypes.get(machineType);
      if (type === undefined) throw invalid('resource.machineType', machineType, 'The referenced resource does not exist.');
      const { autoDelete, disk, image } = readDisk(call, zone, body, name);
      const instance: Instance = {
        id: newId(),
        name,
        zone,
        bornAt: clock.now(),
        labels: labelsOf(body),
        machineType,
        cpus: type.cpus,
        address,
        disk,
        autoDelete,
        ...readNetwork(call, body),
        ...readScheduling(body),
        serviceAccounts: readServiceAccounts(body),
        tags: readTags(body),
        metadata: readMetadata(objectOf(body, 'metadata')),
        shielded: {
          enableSecureBoot: false,
          enableVtpm: true,
          enableIntegrityMonitoring: true,
          ...objectOf(body, 'shieldedInstanceConfig'),
        },
        guestAttributes: new Map(),
        status: 'PROVISIONING',
        endsAt: undefined,
        machine: undefined,
      };
      world.instances.set(`${zone}/${name}`, instance);
      world.disks.set(`${zone}/${disk.name}`, disk);
      disk.user = instance;
      const targetPath = zonalPath(world, 'instances', instance);
      return begin(call, { type: 'insert', zone, targetPath, targetId: instance.id, run: () => launch(call, instance, image) });
    } catch (error) {
      machines.giveBack(address);
      throw error;
    }
  },
};

import { ownProject, timeOf, zoneOf, type Call, type Route } from '../call.js';
import { notFound } from '../errors.js';
import { fingerprintOf } from '../json.js';
import { linkTo } from '../links.js';
import { listAnswer } from '../listing.js';
import { describeOperation } from '../operations.js';
import type { Operation, World } from '../world.js';

/** Machine types by name, with processors and memory in MiB. Every machine is the same size whatever is asked for. */
export const machineTypes: ReadonlyMap<string, { readonly cpus: number; readonly memoryMb: number }> = new Map(
  (
    [
      ['e2-micro', 2, 1024],
      ['e2-small', 2, 2048],
      ['e2-medium', 2, 4096],
      ['n1-standard-1', 1, 3840],
      ['n2-standard-2', 2, 8192],
      ['n2-standard-4', 4, 16_384],
      ['n2-standard-8', 8, 32_768],
    ] as const
  ).map(([name, cpus, memoryMb]) => [name, { cpus, memoryMb }]),
);
/** Disk types by name. */
export const diskTypes: readonly string[] = ['pd-standard', 'pd-balanced', 'pd-ssd'];
/** The network that there is. */
export const network = 'default';
const since = timeOf(Date.UTC(2024, 0, 1));

function describeZone({ project, region }: World, zone: string): object {
  return {
    kind: 'compute#zone',
    id: String(2000 + zone.charCodeAt(zone.length - 1)),
    creationTimestamp: since,
    name: zone,
    description: zone,
    status: 'UP',
    region: linkTo(`projects/${project}/regions/${region}`),
    selfLink: linkTo(`projects/${project}/zones/${zone}`),
    availableCpuPlatforms: ['Intel Cascade Lake'],
  };
}

function describeRegion(call: Call): object {
  const { settings, world } = call;
  const { project, region, zones } = world;
  const usage = [...world.instances.values()].reduce((sum, { cpus, status }) => sum + (status === 'TERMINATED' ? 0 : cpus), 0);
  return {
    kind: 'compute#region',
    id: '1000',
    creationTimestamp: since,
    name: region,
    description: region,
    status: 'UP',
    zones: zones.map((zone) => linkTo(`projects/${project}/zones/${zone}`)),
    quotas: [{ metric: 'CPUS', limit: settings.cpuQuota, usage }],
    selfLink: linkTo(`projects/${project}/regions/${region}`),
  };
}

function describeMachineType({ project }: World, zone: string, name: string): object {
  const { cpus = 1, memoryMb = 1024 } = machineTypes.get(name) ?? {};
  return {
    kind: 'compute#machineType',
    id: String(3000 + [...machineTypes.keys()].indexOf(name)),
    creationTimestamp: since,
    name,
    description: `${cpus} vCPU, ${memoryMb} MB RAM`,
    guestCpus: cpus,
    memoryMb,
    maximumPersistentDisks: 128,
    maximumPersistentDisksSizeGb: '263168',
    zone,
    architecture: 'X86_64',
    isSharedCpu: name.startsWith('e2-'),
    selfLink: linkTo(`projects/${project}/zones/${zone}/machineTypes/${name}`),
  };
}

function describeDiskType({ project }: World, zone: string, name: string): object {
  return {
    kind: 'compute#diskType',
    id: String(4000 + diskTypes.indexOf(name)),
    creationTimestamp: since,
    name,
    description: name,
    validDiskSize: '1GB-65536GB',
    defaultDiskSizeGb: '100',
    zone: linkTo(`projects/${project}/zones/${zone}`),
    selfLink: linkTo(`projects/${project}/zones/${zone}/diskTypes/${name}`),
  };
}

function describeNetwork({ project, region }: World): object {
  return {
    kind: 'compute#network',
    id: '5000',
    creationTimestamp: since,
    name: network,
    description: 'The network of the emulator',
    autoCreateSubnetworks: true,
    subnetworks: [linkTo(`projects/${project}/regions/${region}/subnetworks/${network}`)],
    routingConfig: { routingMode: 'REGIONAL' },
    mtu: 1460,
    selfLink: linkTo(`projects/${project}/global/networks/${network}`),
  };
}

function describeSubnetwork({ project, region }: World): object {
  return {
    kind: 'compute#subnetwork',
    id: '5001',
    creationTimestamp: since,
    name: network,
    network: linkTo(`projects/${project}/global/networks/${network}`),
    ipCidrRange: '127.0.0.0/8',
    gatewayAddress: '127.0.0.1',
    region: linkTo(`projects/${project}/regions/${region}`),
    privateIpGoogleAccess: false,
    fingerprint: fingerprintOf(network),
    selfLink: linkTo(`projects/${project}/regions/${region}/subnetworks/${network}`),
  };
}

function describeProject(call: Call): object {
  const { settings, world } = call;
  return {
    kind: 'compute#project',
    id: world.projectNumber,
    creationTimestamp: since,
    name: world.project,
    commonInstanceMetadata: metadataOf(settings.projectMetadata),
    quotas: [{ metric: 'IMAGES', limit: 2000, usage: world.images.size }],
    defaultServiceAccount: `${world.projectNumber}-compute@developer.gserviceaccount.com`,
    defaultNetworkTier: 'PREMIUM',
    xpnProjectStatus: 'UNSPECIFIED_XPN_PROJECT_STATUS',
    selfLink: linkTo(`projects/${world.project}`),
  };
}

/** Metadata as answers have it. */
export function metadataOf(items: Readonly<Record<string, string>>): object {
  const listed = Object.entries(items).map(([key, value]) => ({ key, value }));
  return { kind: 'compute#metadata', fingerprint: fingerprintOf(items), ...(listed.length === 0 ? {} : { items: listed }) };
}

function only<T>(call: Call, name: string, known: readonly string[], kind: string, shown: T): T {
  if (known.includes(name)) return shown;
  throw notFound(`projects/${ownProject(call)}/${kind}/${name}`);
}

const read = (name: string, template: string, permissions: readonly string[], run: Route['run']): Route => ({
  name,
  method: 'GET',
  template,
  permissions,
  run,
});
const zonal = (call: Call, rest: string) => `projects/${ownProject(call)}/zones/${zoneOf(call)}${rest}`;
const region = (call: Call) => only(call, call.path['region'] ?? '', [call.world.region], 'regions', call.world.region);

function operationOf(call: Call): Operation {
  const name = call.path['operation'] ?? '';
  const operation = call.world.operations.get(name);
  const zone = call.path['zone'];
  if (operation !== undefined && operation.zone === zone) return operation;
  throw notFound(`projects/${ownProject(call)}/${zone === undefined ? 'global' : `zones/${zone}`}/operations/${name}`);
}

const operationRoutes = (['zone', 'global'] as const).flatMap((scope): readonly Route[] => {
  const below = scope === 'zone' ? 'zones/{zone}/operations' : 'global/operations';
  const get = [`compute.${scope}Operations.get`];
  return [
    read(`${scope}Operations.get`, `${below}/{operation}`, get, (call) => describeOperation(call, operationOf(call))),
    read(`${scope}Operations.list`, below, [`compute.${scope}Operations.list`], (call) => {
      const here = [...call.world.operations.values()].filter(({ zone }) => zone === call.path['zone']);
      const path = `projects/${ownProject(call)}/${below.replace('{zone}', call.path['zone'] ?? '')}`;
      return listAnswer(
        call,
        'operationList',
        path,
        here.map((operation) => describeOperation(call, operation)),
      );
    }),
    {
      name: `${scope}Operations.wait`,
      method: 'POST',
      template: `${below}/{operation}/wait`,
      permissions: get,
      async run(call) {
        const operation = operationOf(call);
        await Promise.race([operation.ended, call.clock.sleep(call.settings.waitMs)]);
        return describeOperation(call, operation);
      },
    },
  ];
});

/** The calls about what is always there, and about operations. */
export const placeRoutes: readonly Route[] = [
  ...operationRoutes,
  read('projects.get', '', ['compute.projects.get'], (call) => (ownProject(call), describeProject(call))),
  read('zones.get', 'zones/{zone}', ['compute.zones.get'], (call) => describeZone(call.world, zoneOf(call))),
  read('zones.list', 'zones', ['compute.zones.list'], (call) => {
    const zones = call.world.zones.map((zone) => describeZone(call.world, zone));
    return listAnswer(call, 'zoneList', `projects/${ownProject(call)}/zones`, zones);
  }),
  read('regions.get', 'regions/{region}', ['compute.regions.get'], (call) => (region(call), describeRegion(call))),
  read('regions.list', 'regions', ['compute.regions.list'], (call) =>
    listAnswer(call, 'regionList', `projects/${ownProject(call)}/regions`, [describeRegion(call)]),
  ),
  read('machineTypes.get', 'zones/{zone}/machineTypes/{machineType}', ['compute.machineTypes.get'], (call) => {
    const name = call.path['machineType'] ?? '';
    return only(
      call,
      name,
      [...machineTypes.keys()],
      `zones/${zoneOf(call)}/machineTypes`,
      describeMachineType(call.world, zoneOf(call), name),
    );
  }),
  read('machineTypes.list', 'zones/{zone}/machineTypes', ['compute.machineTypes.list'], (call) => {
    const all = [...machineTypes.keys()].map((name) => describeMachineType(call.world, zoneOf(call), name));
    return listAnswer(call, 'machineTypeList', zonal(call, '/machineTypes'), all);
  }),
  read('diskTypes.get', 'zones/{zone}/diskTypes/{diskType}', ['compute.diskTypes.get'], (call) => {
    const name = call.path['diskType'] ?? '';
    return only(call, name, diskTypes, `zones/${zoneOf(call)}/diskTypes`, describeDiskType(call.world, zoneOf(call), name));
  }),
  read('diskTypes.list', 'zones/{zone}/diskTypes', ['compute.diskTypes.list'], (call) =>
    listAnswer(
      call,
      'diskTypeList',
      zonal(call, '/diskTypes'),
      diskTypes.map((name) => describeDiskType(call.world, zoneOf(call), name)),
    ),
  ),
  read('networks.get', 'global/networks/{network}', ['compute.networks.get'], (call) =>
    only(call, call.path['network'] ?? '', [network], 'global/networks', describeNetwork(call.world)),
  ),
  read('networks.list', 'global/networks', ['compute.networks.list'], (call) =>
    listAnswer(call, 'networkList', `projects/${ownProject(call)}/global/networks`, [describeNetwork(call.world)]),
  ),
  read('subnetworks.get', 'regions/{region}/subnetworks/{subnetwork}', ['compute.subnetworks.get'], (call) =>
    only(call, call.path['subnetwork'] ?? '', [network], `regions/${region(call)}/subnetworks`, describeSubnetwork(call.world)),
  ),
  {
    name: 'subnetworks.testIamPermissions',
    method: 'POST',
    template: 'regions/{region}/subnetworks/{resource}/testIamPermissions',
    permissions: [],
    run(call) {
      const place = `regions/${region(call)}/subnetworks`;
      const asked = call.body['permissions'];
      const held = (Array.isArray(asked) ? asked.map(String) : []).filter((one) => !call.settings.denied.includes(one));
      return only(call, call.path['resource'] ?? '', [network], place, held.length === 0 ? {} : { permissions: held });
    },
  },
  read('subnetworks.list', 'regions/{region}/subnetworks', ['compute.subnetworks.list'], (call) =>
    listAnswer(call, 'subnetworkList', `projects/${ownProject(call)}/regions/${region(call)}/subnetworks`, [
      describeSubnetwork(call.world),
    ]),
  ),
];

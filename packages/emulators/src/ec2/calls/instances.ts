import { found, listParameters, tagSet, time, type Action, type Actions, type Answer, type Call } from '../call.js';
import { ApiError, notFound } from '../errors.js';
import { isSeen, listThings, type Listing } from '../listing.js';
import { userReason } from '../machines.js';
import { flag, list, required } from '../parameters.js';
import type { Instance, InstanceState } from '../world.js';
import type { XmlValue } from '../xml.js';
import { runInstances } from './run-instances.js';

const codes: Record<InstanceState, number> = { pending: 0, running: 16, 'shutting-down': 32, terminated: 48, stopping: 64, stopped: 80 };

const listing: Listing<Instance> = {
  what: 'instance',
  notFoundCode: 'InvalidInstanceID.NotFound',
  ids: 'InstanceId',
  fields: (instance) => ({
    'instance-id': instance.id,
    'instance-state-name': instance.state,
    'instance-state-code': codes[instance.state],
    'instance-type': instance.type,
    'image-id': instance.imageId,
    'client-token': instance.clientToken,
    'subnet-id': instance.subnet.id,
    'vpc-id': instance.subnet.vpcId,
    'availability-zone': instance.subnet.zone,
    'key-name': instance.keyName,
    'private-ip-address': instance.address,
    'instance.group-id': instance.groupIds,
  }),
};

const describeInstances: Action = {
  parameters: ['InstanceId', ...listParameters],
  run(call) {
    const { accounts, world } = call;
    const { items, nextToken } = listThings(world.instances.values(), call, listing);
    const reservationSet = items.map((instance) => ({
      reservationId: instance.id.replace('i-', 'r-'),
      ownerId: accounts.accountId,
      instancesSet: [describe(instance)],
    }));
    return { reservationSet, nextToken };
  },
};

const describeInstanceStatus: Action = {
  parameters: ['InstanceId', 'IncludeAllInstances', ...listParameters],
  run(call) {
    const { parameters, world } = call;
    const { items, nextToken } = listThings(world.instances.values(), call, listing);
    const shown = items.filter(({ state }) => state === 'running' || flag(parameters, 'IncludeAllInstances') === true);
    const ok = { status: 'ok', details: [{ name: 'reachability', status: 'passed' }] };
    const instanceStatusSet = shown.map((instance) => ({
      instanceId: instance.id,
      availabilityZone: instance.subnet.zone,
      instanceState: stateOf(instance.state),
      systemStatus: ok,
      instanceStatus: ok,
    }));
    return { instanceStatusSet, nextToken };
  },
};

const startInstances: Action = {
  parameters: ['InstanceId'],
  run: (call) =>
    change(call, (instance) => {
      if (instance.state === 'running' || instance.state === 'pending') return;
      if (instance.state !== 'stopped') throw wrongState(instance, 'started');
      Object.assign(instance, { state: 'pending', reason: undefined });
      void call.machines.start(call.world, instance);
    }),
};

const stopInstances: Action = {
  parameters: ['InstanceId', 'Force', 'Hibernate'],
  run: (call) =>
    change(call, (instance) => {
      if (instance.state === 'stopped' || instance.state === 'stopping') {
        // A guest that does not go down by itself can still be cut off.
        if (flag(call.parameters, 'Force') === true) instance.machine?.kill();
        return;
      }
      if (instance.state !== 'running') throw wrongState(instance, 'stopped');
      void call.machines.stop(instance, flag(call.parameters, 'Force') === true ? 'forced' : 'asked');
    }),
};

const terminateInstances: Action = {
  parameters: ['InstanceId'],
  run: (call) =>
    change(call, (instance) => {
      void call.machines.terminate(call.world, instance, userReason('UserInitiatedShutdown', 'User initiated shutdown'));
    }),
};

const getConsoleOutput: Action = {
  parameters: ['InstanceId', 'Latest'],
  async run({ clock, machines, parameters, world }) {
    const instance = found(world.instances, required(parameters, 'InstanceId'), 'InvalidInstanceID.NotFound');
    const text = await machines.console(instance);
    return { instanceId: instance.id, timestamp: time(clock.now()), output: Buffer.from(text.slice(-65_536)).toString('base64') };
  },
};

/** The calls about instances. */
export const instanceActions: Actions = {
  RunInstances: { ...runInstances, run: async (call) => describeNew(call, await runInstances.run(call)) },
  DescribeInstances: describeInstances,
  DescribeInstanceStatus: describeInstanceStatus,
  StartInstances: startInstances,
  StopInstances: stopInstances,
  TerminateInstances: terminateInstances,
  GetConsoleOutput: getConsoleOutput,
};

function describeNew({ accounts }: Call, instances: readonly Instance[]): Answer {
  return {
    reservationId: instances[0]?.id.replace('i-', 'r-'),
    ownerId: accounts.accountId,
    groupSet: [],
    instancesSet: instances.map((instance) => describe(instance)),
  };
}

/** All the instances that a call names change, or none. */
function change(call: Call, act: (instance: Instance) => void): Answer {
  const { parameters, world } = call;
  const ids = list(parameters, 'InstanceId');
  if (ids.length === 0) required(parameters, 'InstanceId.1');
  const instances = ids.flatMap((id) => world.instances.get(id) ?? []).filter((instance) => isSeen(instance, call));
  const missing = ids.filter((id) => !instances.some((instance) => instance.id === id));
  if (missing.length > 0) throw notFound('InvalidInstanceID.NotFound', 'instance', missing);
  return {
    instancesSet: instances.map((instance) => {
      const previousState = stateOf(instance.state);
      act(instance);
      return { instanceId: instance.id, currentState: stateOf(instance.state), previousState };
    }),
  };
}

function wrongState(instance: Instance, verb: string): ApiError {
  const message = `The instance '${instance.id}' is not in a state from which it can be ${verb}.`;
  return new ApiError('IncorrectInstanceState', message);
}

function stateOf(state: InstanceState): XmlValue {
  return { code: codes[state], name: state };
}

function describe(instance: Instance): XmlValue {
  const { address, networkInterface, publicAddress, reason, state, subnet, volume } = instance;
  const alive = state !== 'terminated' && state !== 'shutting-down';
  const groupSet = instance.groupIds.map((groupId) => ({ groupId, groupName: groupId }));
  const host = `ip-${address.replaceAll('.', '-')}.emulated.internal`;
  return {
    instanceId: instance.id,
    imageId: instance.imageId,
    instanceState: stateOf(state),
    privateDnsName: alive ? host : '',
    dnsName: alive && publicAddress && state === 'running' ? address : '',
    reason: reason === undefined ? '' : reason.message,
    keyName: instance.keyName,
    amiLaunchIndex: 0,
    instanceType: instance.type,
    launchTime: time(instance.bornAt),
    placement: { availabilityZone: subnet.zone, groupName: '', tenancy: 'default' },
    monitoring: { state: 'disabled' },
    ...(alive ? { subnetId: subnet.id, vpcId: subnet.vpcId, privateIpAddress: address } : {}),
    ...(alive && publicAddress && state === 'running' ? { ipAddress: address } : {}),
    groupSet: alive ? groupSet : [],
    stateReason: reason,
    architecture: 'x86_64',
    rootDeviceType: 'ebs',
    rootDeviceName: '/dev/xvda',
    blockDeviceMapping: alive
      ? [
          {
            deviceName: '/dev/xvda',
            ebs: {
              volumeId: volume.id,
              status: 'attached',
              attachTime: time(instance.bornAt),
              deleteOnTermination: volume.deleteOnTermination,
            },
          },
        ]
      : [],
    virtualizationType: 'hvm',
    clientToken: instance.clientToken,
    tagSet: tagSet(instance.tags),
    hypervisor: 'xen',
    networkInterfaceSet: alive
      ? [
          {
            networkInterfaceId: networkInterface.id,
            subnetId: subnet.id,
            vpcId: subnet.vpcId,
            status: 'in-use',
            privateIpAddress: address,
            groupSet,
            attachment: { deviceIndex: 0, status: 'attached', deleteOnTermination: true },
          },
        ]
      : [],
    iamInstanceProfile: instance.profileArn === undefined ? undefined : { arn: instance.profileArn, id: 'AIPAEMULATED' },
    ebsOptimized: false,
    metadataOptions: {
      state: 'applied',
      httpTokens: instance.tokensRequired ? 'required' : 'optional',
      httpPutResponseHopLimit: instance.hopLimit,
      httpEndpoint: 'enabled',
    },
  };
}

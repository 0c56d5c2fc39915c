import { found, listParameters, tagSet, type Action, type Actions } from '../call.js';
import { ApiError } from '../errors.js';
import { listThings } from '../listing.js';
import { required, tagsFor } from '../parameters.js';
import { newThing, type SecurityGroup, type World } from '../world.js';

const describeSubnets: Action = {
  parameters: ['SubnetId', ...listParameters],
  run(call) {
    const { accounts, world } = call;
    const { items, nextToken } = listThings(world.subnets.values(), call, {
      what: 'subnet',
      notFoundCode: 'InvalidSubnetID.NotFound',
      ids: 'SubnetId',
      fields: ({ id, vpcId, zone }) => ({
        'subnet-id': id,
        'vpc-id': vpcId,
        'availability-zone': zone,
        state: 'available',
        'default-for-az': true,
      }),
    });
    const subnetSet = items.map((subnet) => ({
      subnetId: subnet.id,
      state: 'available',
      vpcId: subnet.vpcId,
      cidrBlock: subnet.cidr,
      availableIpAddressCount: 4091,
      availabilityZone: subnet.zone,
      defaultForAz: true,
      mapPublicIpOnLaunch: true,
      ownerId: accounts.accountId,
      tagSet: tagSet(subnet.tags),
    }));
    return { subnetSet, nextToken };
  },
};

const describeVpcs: Action = {
  parameters: ['VpcId', ...listParameters],
  run: ({ accounts, world }) => ({
    vpcSet: [{ vpcId: world.vpcId, state: 'available', cidrBlock: '127.0.0.0/8', isDefault: true, ownerId: accounts.accountId }],
  }),
};

const describeSecurityGroups: Action = {
  parameters: ['GroupId', 'GroupName', ...listParameters],
  run(call) {
    const { accounts, world } = call;
    const { items, nextToken } = listThings(world.groups.values(), call, {
      what: 'security group',
      notFoundCode: 'InvalidGroup.NotFound',
      ids: 'GroupId',
      fields: ({ description, id, name, vpcId }: SecurityGroup) => ({ 'group-id': id, 'group-name': name, 'vpc-id': vpcId, description }),
    });
    const securityGroupInfo = items.map((group) => ({
      ownerId: accounts.accountId,
      groupId: group.id,
      groupName: group.name,
      groupDescription: group.description,
      vpcId: group.vpcId,
      // Nothing filters packets here.
      ipPermissions: [{ ipProtocol: '-1', ipRanges: [{ cidrIp: '0.0.0.0/0' }] }],
      ipPermissionsEgress: [],
      tagSet: tagSet(group.tags),
    }));
    return { securityGroupInfo, nextToken };
  },
};

const createSecurityGroup: Action = {
  parameters: ['GroupDescription', 'GroupName', 'TagSpecification', 'VpcId'],
  run({ clock, parameters, world }) {
    const name = required(parameters, 'GroupName');
    if ([...world.groups.values()].some((group) => group.name === name)) {
      throw new ApiError('InvalidGroup.Duplicate', `The security group '${name}' already exists`);
    }
    const description = required(parameters, 'GroupDescription');
    const group = { ...newThing(clock, 'sg', tagsFor(parameters, 'security-group')), name, description, vpcId: world.vpcId };
    world.groups.set(group.id, group);
    return { return: true, groupId: group.id, tagSet: tagSet(group.tags) };
  },
};

const authorizeIngress: Action = {
  parameters: ['CidrIp', 'FromPort', 'GroupId', 'GroupName', 'IpPermissions', 'IpProtocol', 'TagSpecification', 'ToPort'],
  run({ parameters, world }) {
    found(world.groups, required(parameters, 'GroupId'), 'InvalidGroup.NotFound');
    return { return: true };
  },
};

const deleteSecurityGroup: Action = {
  parameters: ['GroupId', 'GroupName'],
  run({ parameters, world }) {
    const group = found(world.groups, required(parameters, 'GroupId'), 'InvalidGroup.NotFound');
    const user = [...world.instances.values()].find(({ groupIds, state }) => state !== 'terminated' && groupIds.includes(group.id));
    if (user !== undefined) throw new ApiError('DependencyViolation', `resource ${group.id} has a dependent object`);
    world.groups.delete(group.id);
    return { return: true, groupId: group.id };
  },
};

const describeInterfaces: Action = {
  parameters: ['NetworkInterfaceId', ...listParameters],
  run(call) {
    const { accounts, world } = call;
    const { items, nextToken } = listThings(world.interfaces.values(), call, {
      what: 'networkInterface',
      notFoundCode: 'InvalidNetworkInterfaceID.NotFound',
      ids: 'NetworkInterfaceId',
      fields: ({ id, instanceId, subnet }) => ({
        'network-interface-id': id,
        'attachment.instance-id': instanceId,
        'subnet-id': subnet.id,
        status: statusOf(world, instanceId),
      }),
    });
    const networkInterfaceSet = items.map(({ address, id, instanceId, subnet, tags }) => ({
      networkInterfaceId: id,
      subnetId: subnet.id,
      vpcId: subnet.vpcId,
      availabilityZone: subnet.zone,
      ownerId: accounts.accountId,
      status: statusOf(world, instanceId),
      privateIpAddress: address,
      attachment: isThere(world, instanceId) ? { instanceId, deviceIndex: 0, status: 'attached', deleteOnTermination: true } : undefined,
      tagSet: tagSet(tags),
    }));
    return { networkInterfaceSet, nextToken };
  },
};

const deleteInterface: Action = {
  parameters: ['NetworkInterfaceId'],
  run({ parameters, world }) {
    const card = found(world.interfaces, required(parameters, 'NetworkInterfaceId'), 'InvalidNetworkInterfaceID.NotFound');
    if (isThere(world, card.instanceId)) throw new ApiError('InvalidNetworkInterface.InUse', `Network interface ${card.id} is in use`);
    world.interfaces.delete(card.id);
    return { return: true };
  },
};

/** Whether an instance still has its interface. */
function isThere(world: World, instanceId: string): boolean {
  const instance = world.instances.get(instanceId);
  return instance !== undefined && instance.state !== 'terminated';
}

function statusOf(world: World, instanceId: string): string {
  return isThere(world, instanceId) ? 'in-use' : 'available';
}

/** The calls about networks and groups. */
export const networkActions: Actions = {
  DescribeSubnets: describeSubnets,
  DescribeVpcs: describeVpcs,
  DescribeSecurityGroups: describeSecurityGroups,
  CreateSecurityGroup: createSecurityGroup,
  AuthorizeSecurityGroupIngress: authorizeIngress,
  DeleteSecurityGroup: deleteSecurityGroup,
  DescribeNetworkInterfaces: describeInterfaces,
  DeleteNetworkInterface: deleteInterface,
  DescribeRegions: {
    parameters: ['AllRegions', 'RegionName', 'Filter'],
    run: ({ world }) => ({ regionInfo: [{ regionName: world.region, regionEndpoint: 'emulated', optInStatus: 'opt-in-not-required' }] }),
  },
};

import { tagsFor, tagsOf, within, type Parameters } from '../parameters.js';
import type { Thing, World } from '../world.js';
import type { Asked } from './policy.js';

/** What each call makes; each is asked for by its type, as it has no id yet. */
const made: Readonly<Record<string, readonly string[]>> = {
  RunInstances: ['instance', 'volume', 'network-interface'],
  CreateImage: ['image', 'snapshot'],
  CreateKeyPair: ['key-pair'],
  ImportKeyPair: ['key-pair'],
  CreateSecurityGroup: ['security-group'],
};

/** Types of resources by how their ids begin. */
const types: Readonly<Record<string, string>> = {
  i: 'instance',
  vol: 'volume',
  eni: 'network-interface',
  ami: 'image',
  snap: 'snapshot',
  subnet: 'subnet',
  sg: 'security-group',
};

/** These belong to no account in an ARN. */
const withoutAccount = new Set(['image', 'snapshot']);

/**
 * What one call asks of IAM: its own action on each resource that it names or makes, `ec2:CreateTags` on what is born with tags,
 * and `iam:PassRole` for the profile of a machine. What is named and not there asks for nothing: the call says that it is not there.
 */
export function askedBy(call: string, parameters: Parameters, world: World, accountId: string): readonly Asked[] {
  const action = `ec2:${call}`;
  if (call.startsWith('Describe')) return [{ action, resource: '*', keys: new Map() }];
  const arn = (type: string, id: string) => `arn:aws:ec2:${world.region}:${withoutAccount.has(type) ? '' : accountId}:${type}/${id}`;
  const tagging = call === 'CreateTags' || call === 'DeleteTags' ? requestKeys(new Map(tagsOf(parameters))) : [];
  const named = namedBy(parameters, world).map(({ id, tags }) => ({
    action,
    resource: arn(types[id.split('-')[0] ?? ''] ?? '', id),
    keys: new Map([...resourceKeys(tags), ...tagging]),
  }));
  const born = (made[call] ?? []).flatMap((type) => {
    const keys = requestKeys(tagsFor(parameters, type));
    const own = { action, resource: arn(type, '*'), keys: new Map(keys) };
    if (keys.length === 0) return [own];
    return [own, { ...own, action: 'ec2:CreateTags', keys: new Map([...keys, ['ec2:CreateAction', [call]] as const]) }];
  });
  const profile = within(parameters, 'IamInstanceProfile');
  const name = profile.get('Name') ?? profile.get('Arn')?.split('/').at(-1);
  const passed = { action: 'iam:PassRole', resource: `arn:aws:iam::${accountId}:role/${name ?? ''}` };
  return [
    ...named,
    ...born,
    ...(name === undefined ? [] : [{ ...passed, keys: new Map([['iam:PassedToService', ['ec2.amazonaws.com']]]) }]),
  ];
}

/** Everything that a call names by its id, wherever in its parameters. */
function namedBy(parameters: Parameters, world: World): readonly Thing[] {
  const things: readonly ReadonlyMap<string, Thing>[] = [
    ...[world.instances, world.volumes, world.interfaces, world.images, world.snapshots, world.subnets, world.groups],
  ];
  const ids = new Set([...parameters].flatMap(([key, value]) => (/Id(\.\d+)?$/.test(key) ? [value] : [])));
  return [...ids].flatMap((id) => things.flatMap((all) => all.get(id) ?? []));
}

function resourceKeys(tags: ReadonlyMap<string, string>): (readonly [string, readonly string[]])[] {
  return [...tags].flatMap(([key, value]) => [[`ec2:ResourceTag/${key}`, [value]] as const, [`aws:ResourceTag/${key}`, [value]] as const]);
}

function requestKeys(tags: ReadonlyMap<string, string>): (readonly [string, readonly string[]])[] {
  if (tags.size === 0) return [];
  return [...[...tags].map(([key, value]) => [`aws:RequestTag/${key}`, [value]] as const), ['aws:TagKeys', [...tags.keys()]] as const];
}

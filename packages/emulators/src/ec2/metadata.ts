import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

import type { Instance, World } from './world.js';

const tokenHeader = 'x-aws-ec2-metadata-token';

/** The metadata service of one instance. */
export interface MetadataService {
  readonly port: number;
  close(): void;
}

/** Serves what an instance may know of itself, IMDSv2: a token first, and with it the rest. */
export async function serveMetadata(world: World, instance: Instance, accountId: string): Promise<MetadataService> {
  const tokens = new Map<string, number>();
  const server = createServer((request, response) => answer(request, response, tokens, world, instance, accountId));
  // A guest's small client closes its half when it has asked.
  Object.assign(server, { httpAllowHalfOpen: true });
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
  return { port: portOf(server), close: () => (server.close(), server.closeAllConnections()) };
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}

function answer(
  request: IncomingMessage,
  response: ServerResponse,
  tokens: Map<string, number>,
  world: World,
  instance: Instance,
  accountId: string,
): void {
  const send = (status: number, text: string | Buffer = '') =>
    response.writeHead(status, { 'content-type': 'text/plain', connection: 'close' }).end(text);
  const path = (request.url ?? '').replace(/^\/(latest|\d{4}-\d\d-\d\d)\//, '');
  if (request.method === 'PUT' && path === 'api/token') {
    const seconds = Number(request.headers[`${tokenHeader}-ttl-seconds`]);
    if (!Number.isInteger(seconds) || seconds < 1 || seconds > 21_600) return void send(400);
    const token = randomBytes(40).toString('base64url');
    tokens.set(token, Date.now() + seconds * 1000);
    response.setHeader(`${tokenHeader}-ttl-seconds`, seconds);
    return void send(200, token);
  }
  if (request.method !== 'GET') return void send(405);
  const given = request.headers[tokenHeader];
  const good = typeof given === 'string' && (tokens.get(given) ?? 0) > Date.now();
  if (!good && (given !== undefined || instance.tokensRequired)) return void send(401);
  const found = content(path, world, instance, accountId);
  return found === undefined ? void send(404) : void send(200, found);
}

/** What stands at a path, or the names below a folder. */
function content(path: string, world: World, instance: Instance, accountId: string): string | Buffer | undefined {
  if (path === 'user-data') return instance.userData.length > 0 ? instance.userData : undefined;
  const names = path.split('/').filter((name) => name !== '');
  const document = JSON.stringify(identity(world, instance, accountId));
  let at: Tree | string | undefined = {
    dynamic: { 'instance-identity': { document } },
    'meta-data': tree(world, instance),
    'user-data': instance.userData.toString(),
  };
  for (const name of names) at = typeof at === 'object' ? at[name] : undefined;
  // AWS lists the keys by number and name, and answers the number.
  if (typeof at === 'object' && names.join('/') === 'meta-data/public-keys') return `0=${instance.keyName ?? ''}`;
  if (typeof at !== 'object') return at;
  return Object.entries(at)
    .map(([name, below]) => (typeof below === 'object' ? `${name}/` : name))
    .join('\n');
}

interface Tree {
  readonly [name: string]: Tree | string;
}

function tree(world: World, instance: Instance): Tree {
  const key = instance.keyName === undefined ? undefined : world.keys.get(instance.keyName);
  const { address, id, imageId, networkInterface, subnet, type } = instance;
  const mac = '52:54:00:12:34:56';
  return {
    'ami-id': imageId,
    hostname: `${id}.emulated.internal`,
    'instance-id': id,
    'instance-type': type,
    'local-hostname': `${id}.emulated.internal`,
    'local-ipv4': address,
    mac,
    placement: { 'availability-zone': subnet.zone, region: world.region },
    ...(key === undefined ? {} : { 'public-keys': { '0': { 'openssh-key': key.publicKey } } }),
    network: {
      interfaces: {
        macs: {
          [mac]: {
            'device-number': '0',
            'interface-id': networkInterface.id,
            'local-ipv4s': '169.254.169.15',
            mac,
            'subnet-id': subnet.id,
          },
        },
      },
    },
    'security-groups': instance.groupIds.map((one) => world.groups.get(one)?.name ?? one).join('\n'),
  };
}

function identity(world: World, instance: Instance, accountId: string): object {
  return {
    accountId,
    architecture: 'x86_64',
    availabilityZone: instance.subnet.zone,
    imageId: instance.imageId,
    instanceId: instance.id,
    instanceType: instance.type,
    pendingTime: new Date(instance.bornAt).toISOString(),
    privateIp: instance.address,
    region: world.region,
    version: '2017-09-30',
  };
}

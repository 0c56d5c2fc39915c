import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

import { isBody } from './json.js';
import type { Settings } from './settings.js';
import type { Instance, World } from './world.js';

const flavor = { 'Metadata-Flavor': 'Google', Server: 'Metadata Server for VM' };
const prefix = '/computeMetadata/v1/';
/** Whoever waits for a change is told at the latest after this long that there is none. */
const longestWaitMs = 60_000;
const attributeLimit = 256 * 1024;

/** The metadata server of one instance. */
export interface MetadataService {
  readonly port: number;
  close(): void;
}

/** Serves what an instance may know of itself, and takes what it says of itself: guest attributes, where they are enabled. */
export async function serveMetadata(world: World, instance: Instance, settings: Settings): Promise<MetadataService> {
  const server = createServer((request, response) => {
    void answer(request, response, { world, instance, settings }).catch(() => response.destroy());
  });
  // A guest's small client closes its half when it has asked.
  Object.assign(server, { httpAllowHalfOpen: true });
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
  return { port: (server.address() as AddressInfo).port, close: () => (server.close(), server.closeAllConnections()) };
}

interface Told {
  readonly world: World;
  readonly instance: Instance;
  readonly settings: Settings;
}

async function answer(request: IncomingMessage, response: ServerResponse, told: Told): Promise<void> {
  const send = (status: number, text = '', type = 'application/text', headers: Record<string, string> = {}) =>
    void response.writeHead(status, { ...flavor, ...headers, 'content-type': type, connection: 'close' }).end(text);
  const url = new URL(request.url ?? '/', 'http://metadata.google.internal');
  if (url.pathname === '/' && request.method === 'GET') return send(200, 'computeMetadata/\n');
  if (request.headers['metadata-flavor'] !== 'Google' || request.headers['x-forwarded-for'] !== undefined) {
    return send(403, 'Missing Metadata-Flavor:Google header.');
  }
  if (!url.pathname.startsWith(prefix)) return send(404);
  const path = decodeURIComponent(url.pathname.slice(prefix.length));
  const [, attribute] = /^instance\/guest-attributes\/(.*)$/.exec(path) ?? [];
  if (attribute !== undefined) return guestAttribute(request, told, attribute, send);
  if (request.method !== 'GET') return send(405);

  const limit = Date.now() + Math.min(longestWaitMs, Number(url.searchParams.get('timeout_sec') ?? 60) * 1000);
  for (;;) {
    const found = at(treeOf(told), path);
    if (found === undefined) return send(404);
    const json = url.searchParams.get('recursive') === 'true' || url.searchParams.get('alt') === 'json';
    const text = json ? JSON.stringify(found) : plain(found);
    const etag = createHash('sha256').update(JSON.stringify(found)).digest('hex').slice(0, 16);
    const waits = url.searchParams.get('wait_for_change') === 'true' && url.searchParams.get('last_etag') === etag;
    if (!waits || Date.now() > limit || response.destroyed) {
      return send(200, text, json ? 'application/json' : 'application/text', { ETag: etag });
    }
    await delay(500, undefined, { ref: false });
  }
}

async function guestAttribute(
  request: IncomingMessage,
  { instance, settings }: Told,
  name: string,
  send: (status: number, text?: string) => void,
): Promise<void> {
  const enabled = instance.metadata['enable-guest-attributes'] ?? settings.projectMetadata['enable-guest-attributes'];
  if (enabled?.toUpperCase() !== 'TRUE') return send(403, 'Guest attributes endpoint access is disabled.');
  const held = instance.guestAttributes;
  if (request.method === 'GET') {
    const value = held.get(name);
    return value === undefined ? send(404) : send(200, value);
  }
  if (!/^[\w-]+\/[\w.-]+$/.test(name)) return send(400);
  if (request.method === 'DELETE') return send(held.delete(name) ? 200 : 404);
  if (request.method !== 'PUT') return send(405);
  let value = '';
  for await (const chunk of request as AsyncIterable<Buffer>) {
    value += chunk.toString();
    if (value.length > attributeLimit) return send(413);
  }
  held.set(name, value);
  send(200);
}

/** What stands at a path; names are written with dashes in paths and in camel case in JSON, except for attributes' own. */
function at(tree: unknown, path: string): unknown {
  let found = tree;
  let below = '';
  for (const part of path.split('/').filter((one) => one !== '')) {
    const name = below === 'attributes' ? part : part.replace(/-([a-z])/g, (_all, letter: string) => letter.toUpperCase());
    below = part;
    if (Array.isArray(found)) found = found[Number(part)] as unknown;
    else found = isBody(found) ? (found[name === 'ip' ? 'ip' : name] ?? found[part]) : undefined;
  }
  return found;
}

/** A folder as the names in it, anything else as its text. */
function plain(found: unknown): string {
  if (Array.isArray(found)) return found.map((_one, index) => `${index}/\n`).join('');
  if (!isBody(found)) return String(found as string);
  return Object.entries(found)
    .map(([name, value]) => (typeof value === 'object' ? `${dashed(name)}/\n` : `${dashed(name)}\n`))
    .join('');
}

function dashed(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

function treeOf({ instance, settings, world }: Told): object {
  const { address, disk, id, machineType, metadata, name, publicAddress, serviceAccounts, tags, zone } = instance;
  const project = `projects/${world.projectNumber}`;
  return {
    instance: {
      attributes: metadata,
      cpuPlatform: 'Intel Cascade Lake',
      description: '',
      disks: [{ deviceName: 'persistent-disk-0', index: 0, interface: 'SCSI', mode: 'READ_WRITE', type: 'PERSISTENT-BALANCED' }],
      hostname: `${name}.${zone}.c.${world.project}.internal`,
      // A number too large for JavaScript's own: whoever reads it as JSON reads a text.
      id,
      image: disk.sourceImage?.path ?? '',
      licenses: [],
      machineType: `${project}/machineTypes/${machineType}`,
      maintenanceEvent: 'NONE',
      name,
      networkInterfaces: [
        {
          accessConfigs: publicAddress ? [{ externalIp: address, type: 'ONE_TO_ONE_NAT' }] : [],
          dnsServers: ['169.254.169.254'],
          forwardedIps: [],
          gateway: '169.254.169.2',
          ip: '169.254.169.15',
          ipAliases: [],
          mac: '52:54:00:12:34:56',
          mtu: 1460,
          network: `${project}/networks/default`,
          subnetmask: '255.255.255.0',
          targetInstanceIps: [],
        },
      ],
      preempted: 'FALSE',
      scheduling: { automaticRestart: 'TRUE', onHostMaintenance: 'MIGRATE', preemptible: 'FALSE' },
      serviceAccounts: Object.fromEntries(serviceAccounts.map(({ email, scopes }) => [email, { aliases: ['default'], email, scopes }])),
      tags,
      virtualClock: { driftToken: '0' },
      zone: `${project}/zones/${zone}`,
    },
    project: { attributes: settings.projectMetadata, numericProjectId: world.projectNumber, projectId: world.project },
  };
}

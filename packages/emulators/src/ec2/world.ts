import { randomBytes } from 'node:crypto';

import type { BootFiles, RunningMachine } from '../machines/machine.js';
import type { Clock } from '../wire/clock.js';

/** Whatever has an id, tags and a time of birth. */
export interface Thing {
  readonly id: string;
  /** Milliseconds since the epoch. */
  readonly bornAt: number;
  readonly tags: Map<string, string>;
}

/** A part of a network in one zone. */
export interface Subnet extends Thing {
  readonly zone: string;
  readonly vpcId: string;
  readonly cidr: string;
}

/** A security group; nothing filters packets here. */
export interface SecurityGroup extends Thing {
  readonly name: string;
  readonly description: string;
  readonly vpcId: string;
}

/** A public key that machines can be started with. */
export interface KeyPair extends Thing {
  readonly name: string;
  readonly publicKey: string;
}

/** A disk. */
export interface Volume extends Thing {
  readonly zone: string;
  readonly sizeGb: number;
  readonly volumeType: string;
  readonly encrypted: boolean;
  readonly iops: number | undefined;
  readonly throughput: number | undefined;
  readonly snapshotId: string;
  readonly file: string;
  readonly deleteOnTermination: boolean;
  attachedTo: string | undefined;
}

/** A network interface, made and gone with its instance. */
export interface NetworkInterface extends Thing {
  readonly subnet: Subnet;
  readonly instanceId: string;
  readonly address: string;
}

/** How far an instance is. */
export type InstanceState = 'pending' | 'running' | 'shutting-down' | 'terminated' | 'stopping' | 'stopped';

/** A machine. */
export interface Instance extends Thing {
  readonly imageId: string;
  readonly type: string;
  readonly keyName: string | undefined;
  readonly subnet: Subnet;
  readonly groupIds: readonly string[];
  /** The loopback address whose port 22 is the machine's. */
  readonly address: string;
  readonly publicAddress: boolean;
  readonly clientToken: string;
  readonly onShutdown: 'stop' | 'terminate';
  readonly tokensRequired: boolean;
  readonly hopLimit: number;
  readonly userData: Buffer;
  readonly profileArn: string | undefined;
  readonly boot: BootFiles | undefined;
  readonly volume: Volume;
  readonly networkInterface: NetworkInterface;
  state: InstanceState;
  reason: { readonly code: string; readonly message: string } | undefined;
  machine: RunningMachine | undefined;
  /** When it was terminated. */
  endedAt: number | undefined;
}

/** A copy of a disk. */
export interface Snapshot extends Thing {
  readonly volumeId: string;
  readonly sizeGb: number;
  readonly encrypted: boolean;
  readonly description: string;
  readonly file: string;
  state: 'pending' | 'completed' | 'error';
  /** It counts as used until then. */
  heldUntil?: number;
}

/** An AMI. */
export interface Image extends Thing {
  readonly name: string;
  readonly description: string;
  readonly sourceInstanceId: string | undefined;
  readonly snapshotId: string;
  readonly sizeGb: number;
  readonly boot: BootFiles | undefined;
  /** Another account, which shares it with everybody. */
  readonly publishedBy?: string;
  state: 'pending' | 'available' | 'failed';
  reason: string | undefined;
}

/** What a token has led to, for ever. */
export interface TokenUse {
  /** The parameters that came with it. */
  readonly request: string;
  readonly instanceIds: readonly string[];
}

/** Everything in one region of the account. */
export interface World {
  readonly region: string;
  readonly vpcId: string;
  readonly subnets: Map<string, Subnet>;
  readonly groups: Map<string, SecurityGroup>;
  readonly keys: Map<string, KeyPair>;
  readonly volumes: Map<string, Volume>;
  readonly interfaces: Map<string, NetworkInterface>;
  readonly instances: Map<string, Instance>;
  readonly snapshots: Map<string, Snapshot>;
  readonly images: Map<string, Image>;
  /** By zone and token: a token holds in its zone only. */
  readonly tokens: Map<string, TokenUse>;
}

/** A region with a network of three zones and nothing in it. */
export function createWorld(region: string): World {
  const vpcId = newId('vpc');
  const subnets = ['a', 'b', 'c'].map((letter, index) => ({
    ...oldThing('subnet'),
    zone: `${region}${letter}`,
    vpcId,
    cidr: `127.${index}.0.0/16`,
  }));
  const group = { ...oldThing('sg'), name: 'default', description: 'default VPC security group', vpcId };
  return {
    region,
    vpcId,
    subnets: new Map(subnets.map((subnet) => [subnet.id, subnet])),
    groups: new Map([[group.id, group]]),
    keys: new Map(),
    volumes: new Map(),
    interfaces: new Map(),
    instances: new Map(),
    snapshots: new Map(),
    images: new Map(),
    tokens: new Map(),
  };
}

/** An id as EC2 makes them. */
export function newId(prefix: string): string {
  return `${prefix}-0${randomBytes(8).toString('hex')}`;
}

/** What every new thing has. */
export function newThing(clock: Clock, prefix: string, tags = new Map<string, string>()): Thing {
  return { id: newId(prefix), bornAt: clock.now(), tags };
}

/** What has always been there, as far as anybody can see. */
export function oldThing(prefix: string): Thing {
  return { id: newId(prefix), bornAt: Date.now() - 86_400_000, tags: new Map() };
}

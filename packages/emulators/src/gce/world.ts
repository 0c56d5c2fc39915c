import { randomBytes } from 'node:crypto';

import type { BootFiles, RunningMachine } from '../machines/machine.js';

/** Whatever has a number that is never used again, a name, labels and a time of birth. */
export interface Thing {
  readonly id: string;
  readonly name: string;
  /** Milliseconds since the epoch. */
  readonly bornAt: number;
  labels: Readonly<Record<string, string>>;
}

/** An image, in its project. */
export interface Image extends Thing {
  readonly project: string;
  readonly family: string;
  readonly description: string;
  readonly sizeGb: number;
  readonly file: string;
  readonly boot: BootFiles | undefined;
  /** The path and number of the disk that it was made of. */
  readonly source: { readonly path: string; readonly id: string } | undefined;
  readonly storageLocations: readonly string[];
  status: 'PENDING' | 'READY' | 'FAILED' | 'DELETING';
  deprecated: string | undefined;
}

/** A persistent disk. */
export interface Disk extends Thing {
  readonly zone: string;
  readonly type: string;
  readonly sizeGb: number;
  readonly file: string;
  readonly boot: BootFiles | undefined;
  readonly sourceImage: { readonly path: string; readonly id: string } | undefined;
  /** The instance that it is attached to. */
  user: Instance | undefined;
  /** Images that are being made of it. */
  captures: number;
}

/** How far an instance is. */
export type InstanceStatus = 'PROVISIONING' | 'STAGING' | 'RUNNING' | 'STOPPING' | 'TERMINATED';

/** A machine. */
export interface Instance extends Thing {
  readonly zone: string;
  readonly machineType: string;
  readonly cpus: number;
  readonly network: string;
  readonly subnetwork: string;
  readonly publicAddress: boolean;
  /** The loopback address whose port 22 is the machine's. */
  readonly address: string;
  readonly serviceAccounts: readonly { readonly email: string; readonly scopes: readonly string[] }[];
  readonly disk: Disk;
  readonly autoDelete: boolean;
  readonly shielded: Readonly<Record<string, boolean>>;
  /** What was asked for, as it is shown. */
  readonly scheduling: Readonly<Record<string, unknown>>;
  readonly maxRunSeconds: number | undefined;
  readonly onLimit: 'DELETE' | 'STOP';
  /** What the guest said of itself, by namespace and key. */
  readonly guestAttributes: Map<string, string>;
  readonly tags: readonly string[];
  metadata: Readonly<Record<string, string>>;
  status: InstanceStatus;
  /** When it goes by itself; undefined where it does not, or was stopped. */
  endsAt: number | undefined;
  machine: RunningMachine | undefined;
}

/** Something under way, or done. */
export interface Operation {
  readonly id: string;
  readonly name: string;
  readonly call: string;
  readonly type: string;
  readonly zone: string | undefined;
  readonly targetPath: string;
  readonly targetId: string;
  readonly user: string;
  readonly bornAt: number;
  readonly requestId: string | undefined;
  /** Resolves when it is done, failed or not. */
  readonly ended: Promise<void>;
  endedAt: number | undefined;
  error:
    | { readonly code: string; readonly message: string; readonly status: number; readonly details: Readonly<Record<string, string>> }
    | undefined;
}

/** One project, with the region that it uses, and the images of a public one. */
export interface World {
  readonly project: string;
  readonly projectNumber: string;
  readonly publicProject: string;
  readonly region: string;
  readonly zones: readonly string[];
  /** By project and name. */
  readonly images: Map<string, Image>;
  /** By zone and name. */
  readonly instances: Map<string, Instance>;
  readonly disks: Map<string, Disk>;
  readonly operations: Map<string, Operation>;
  /** What a request's id has led to, with what came with it. */
  readonly requests: Map<string, { readonly content: string; readonly operation: Operation }>;
}

/** A project with nothing in it. */
export function createWorld(): World {
  const region = 'us-central1';
  return {
    project: 'emulated-project',
    projectNumber: '123456789012',
    publicProject: 'debian-cloud',
    region,
    zones: ['a', 'b', 'c'].map((letter) => `${region}-${letter}`),
    images: new Map(),
    instances: new Map(),
    disks: new Map(),
    operations: new Map(),
    requests: new Map(),
  };
}

/** A number as Google numbers things, which is too large for JavaScript's own. */
export function newId(): string {
  return String(randomBytes(8).readBigUInt64BE() >> 1n);
}

/** Where an image is. */
export function imagePath({ name, project }: Image): string {
  return `projects/${project}/global/images/${name}`;
}

/** Where something of a zone is. */
export function zonalPath(
  world: World,
  kind: 'instances' | 'disks',
  { name, zone }: { readonly name: string; readonly zone: string },
): string {
  return `projects/${world.project}/zones/${zone}/${kind}/${name}`;
}

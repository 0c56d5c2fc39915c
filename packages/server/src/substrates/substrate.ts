import { type Image, MurmurError, type Placement } from '@murmur/api';

/** The substrates as the catalog's enum names them, without the prefix. */
export type SubstrateName = 'QEMU' | 'DOCKER' | 'AWS' | 'GCP';

/** The processor architectures as the catalog's enum names them, without the prefix. */
export type ArchitectureName = 'AMD64' | 'ARM64';

/**
 * Names one create for ever: `<run>-<attempt>-<step>`, at most 63 of `[a-z0-9-]`. A create repeated with the same token
 * finds what the first one made.
 */
export type Token = string & { readonly token: unique symbol };

/** JSON that survives the database: what a substrate needs to find its own things again. Holds no secret. */
export type Handle = { readonly [key: string]: string | number | boolean | null | Handle };

/** A base image pinned to something that cannot change. */
export interface ResolvedBase {
  /** An AMI id, a GCE image id, a Docker image digest or a disk digest. */
  readonly immutableId: string;
  readonly architecture: ArchitectureName;
}

/** The two SSH key pairs of one machine: ours to log in with and the host's own, known in advance. Memory only. */
export interface GuestKeys {
  /** OpenSSH private key file contents. */
  readonly clientPrivate: string;
  /** One `ssh-ed25519 AAAA…` line, without a comment. */
  readonly clientPublic: string;
  readonly hostPrivate: string;
  readonly hostPublic: string;
}

/** Who a thing outside belongs to. Every create carries it as tags. */
export interface Owner {
  /** This installation's id, so that two installations sharing an account leave each other's things alone. */
  readonly installation: string;
  readonly tenant: string;
  readonly runId: string;
}

/** The machine to launch: whose, from what, where and how large. */
export interface LaunchSpec {
  readonly owner: Owner;
  readonly base: ResolvedBase;
  readonly placement: Placement;
  readonly vcpus: number;
  readonly memoryMb: number;
  /** The substrate's own machine type name; empty where it has none. */
  readonly machineType: string;
  /** 0 keeps the image's own size. */
  readonly diskSizeGb: number;
  readonly keys: GuestKeys;
  /** The machine powers off and vanishes by itself after this long even if no server ever comes back. */
  readonly lifetimeSeconds: number;
}

/** A running machine, by a handle the database keeps. */
export interface Machine {
  readonly token: Token;
  readonly handle: Handle;
}

/** A captured image that the substrate can boot. */
export interface Artifact {
  /** The catalog image's source arm without provenance, such as `{case: 'qemu', value: {diskDigest}}`. */
  readonly source: Image['source'];
  /** What {@link Substrate.imageExists} and {@link Substrate.discardImage} need. */
  readonly reference: Handle;
}

/** The result of one command in a guest. */
export interface CommandResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** How a running machine is spoken to. Opened per use; closed with `await using`. */
export interface GuestChannel extends AsyncDisposable {
  /**
   * Runs a command as root with this standard input and waits for it. The command is one shell line for the guest's `sh`:
   * quote with `shellQuote`. Output over 1 MiB is an error.
   */
  run(command: string, options?: { stdin?: string | Buffer; signal?: AbortSignal }): Promise<CommandResult>;
  /** Runs a command as root and hands its output on as it comes. Resolves with the exit code. */
  stream(
    command: string,
    sink: { stdout(chunk: Buffer): void; stderr(chunk: Buffer): void },
    options?: { stdin?: string | Buffer; signal?: AbortSignal },
  ): Promise<number>;
}

/** Something outside that carries our tags: a machine, disk, key, group, half-made image or snapshot. */
export interface OwnedThing {
  readonly type: 'machine' | 'disk' | 'key' | 'group' | 'image' | 'snapshot';
  readonly token: Token;
  readonly owner: Owner;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  readonly handle: Handle;
}

/** A file with an exported image. It goes when disposed, and with the next start of a server that died before. */
export interface ExportedImage extends AsyncDisposable {
  readonly file: string;
}

/** How far {@link Substrate.imageExists} looks: `quick` is a cheap look-up, `thorough` reads and compares the content. */
export type ExistenceCheck = 'quick' | 'thorough';

/**
 * What Murmur asks of a place that runs machines. Every call may be repeated with the same token, after any crash, and
 * finds what the first call made. Faults of the platform (capacity, lost machine, network) are thrown as {@link PlatformFault};
 * anything else thrown is final.
 */
export interface Substrate {
  readonly name: SubstrateName;
  readonly capabilities: {
    /** A bake here can open a machine to a person with a shell command. */
    readonly keepsFailedMachines: boolean;
    /** Images can be written out as one qcow2 file. */
    readonly exportsImages: boolean;
    /** Base images can be built on the server's own host. */
    readonly buildsBases: boolean;
  };
  /** Where an image of this placement lives: a GCP project, `<account>/<region>`, `docker-local`, `qemu-local`. */
  scope(placement: Placement): string;
  /** Pins an image to an immutable id. Throws FAILED_PRECONDITION when the artifact does not exist here. */
  resolveBase(image: Image, placement: Placement): Promise<ResolvedBase>;
  launch(spec: LaunchSpec, token: Token, signal: AbortSignal): Promise<Machine>;
  /** Returns when the guest has finished booting and answers. */
  waitReady(machine: Machine, keys: GuestKeys, signal: AbortSignal): Promise<void>;
  channel(machine: Machine, keys: GuestKeys, signal: AbortSignal): Promise<GuestChannel>;
  /** Stops the machine and makes an image of its disk. Repeated after the machine is gone, it finds the finished artifact. */
  capture(
    machine: Machine,
    keys: GuestKeys,
    artifact: { name: string; token: Token; owner: Owner },
    signal: AbortSignal,
  ): Promise<Artifact>;
  imageExists(reference: Handle, check: ExistenceCheck): Promise<boolean>;
  /** Says that a catalog entry names the image now: {@link listOwned} leaves it out, and what else its making left goes. */
  keepImage(reference: Handle): Promise<void>;
  /** Removes an image that no catalog entry names, unless another capture came to the very same one. Gone already is success. */
  discardImage(reference: Handle): Promise<void>;
  /** Removes a machine with all that was made for it. Gone already is success. */
  destroy(token: Token): Promise<void>;
  /** Everything here that carries this installation's tags, apart from images that were kept. */
  listOwned(installation: string): Promise<readonly OwnedThing[]>;
  /** Writes an image out as one qcow2 file that needs no other. Only with `exportsImages`. */
  exportImage(image: Image, signal: AbortSignal): Promise<ExportedImage>;
  /**
   * Removes base images built here that are not in use, once they have been served for `unusedMs` by nobody and another one
   * that is in use is there. What another image or a machine stands on stays. Only with `buildsBases`.
   */
  retireBases(unusedMs: number, inUse: (immutableId: string) => Promise<boolean>): Promise<void>;
  /** A shell command for a person on the server's host that opens a root shell there. Only with `keepsFailedMachines`. */
  shellCommand(machine: Machine, keys: GuestKeys): Promise<string>;
}

/** A fault of the platform, not of the script: a fresh attempt on a fresh machine may succeed. */
export class PlatformFault extends Error {
  override readonly name = 'PlatformFault';
}

/** An image whose disk is not on the server's host, or not there for whoever asks. */
export function diskIsAbsent(image: Image, digest: string): MurmurError {
  return new MurmurError('FAILED_PRECONDITION', `image "${image.name}": disk ${digest} is not on this server`, {
    hint: 'Build the base image again with "murmur base build", or bake the recipe again.',
  });
}

/** Asks a machine for something, but not for ever: no end within the limit is a {@link PlatformFault}, in these words. */
export async function answeredWithin<T>(
  limitMs: number,
  signal: AbortSignal,
  ask: (limited: AbortSignal) => Promise<T>,
  fault = `the machine did not answer for ${limitMs / 1000} s`,
): Promise<T> {
  // Kept in a variable that is used below: Node collects a timeout that only a combined signal knows, and then it never comes.
  const limit = AbortSignal.timeout(limitMs);
  try {
    return await ask(AbortSignal.any([signal, limit]));
  } catch (error) {
    signal.throwIfAborted();
    throw limit.aborted ? new PlatformFault(fault, { cause: error }) : error;
  }
}

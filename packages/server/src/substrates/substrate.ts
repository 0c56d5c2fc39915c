import type { Image, Placement, Substrate as SubstrateEnum } from '@murmur/api';

/** The substrates as the catalog's enum names them, without the prefix. */
export type SubstrateName = Exclude<keyof typeof SubstrateEnum, 'UNSPECIFIED'>;

/** The processor architectures as the catalog's enum names them, without the prefix. */
export type ArchitectureName = 'AMD64' | 'ARM64';

/**
 * Names one create for ever: `<run>-<attempt>-<step>`, at most 63 of `[a-z0-9-]`. A create repeated with the same token
 * finds what the first one made.
 */
export type Token = string & { readonly token: unique symbol };

/** JSON that survives the database: what a substrate needs to find its own things again. Holds no secret. */
export type Handle = { readonly [key: string]: string | number | boolean | null | Handle };

/**
 * Where things live and with whose rights: a host or an engine; an account, region, role and external id; a project, zones and
 * identity. Made by {@link Substrate.siteOf} and kept with runs, intents, artifacts and trials, so that whatever was made is
 * found and removed after its placement was changed or deleted. Plain JSON without secrets, opaque above the port.
 */
export type Site = Handle & { readonly site: unique symbol };

/** A base image pinned to something that cannot change. */
export interface ResolvedBase {
  /** An AMI id, a GCE image id, a Docker image's id or `name@digest` in a registry, or a disk digest. */
  readonly immutableId: string;
  readonly architecture: ArchitectureName;
  /** The smallest disk it fits on, where a smaller one can be asked for. */
  readonly minimumDiskGb?: number;
  /** The name of the catalog secret that opens the registry it comes from. */
  readonly credentialSecret?: string;
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
  readonly site: Site;
  /** From 1; which of the run's machines this is. */
  readonly attempt: number;
  readonly vcpus: number;
  readonly memoryMb: number;
  /** The substrate's own machine type name; empty where it has none. */
  readonly machineType: string;
  /** The substrate's own disk type name; empty where the environment names none. */
  readonly diskType: string;
  /** 0 keeps the image's own size. */
  readonly diskSizeGb: number;
  readonly keys: GuestKeys;
  /** The machine powers off and vanishes by itself after this long even if no server ever comes back. */
  readonly lifetimeSeconds: number;
  /** The value of the secret that the base names, for {@link ResolvedBase.credentialSecret}. */
  secret?(name: string): Promise<string>;
}

/** A running machine, by a handle the database keeps. */
export interface Machine {
  readonly site: Site;
  readonly token: Token;
  readonly handle: Handle;
}

/** The image to make of a machine: its name at the place, the token it is found by, and whose it is. */
export interface CaptureSpec {
  readonly name: string;
  readonly token: Token;
  readonly owner: Owner;
  /** Hears, for the run's log, what is happening while the image takes its time. */
  tell?(line: string): Promise<void>;
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
  readonly type: 'machine' | 'disk' | 'interface' | 'key' | 'group' | 'image' | 'snapshot';
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

/** What carries our tags at one site. */
export interface OwnedList {
  readonly things: readonly OwnedThing[];
  /** Why the list may lack something that is there; undefined when it is complete. What it lacks is then not gone. */
  readonly incomplete?: string;
}

/** What somebody may use on behalf of a tenant. */
export interface Rights {
  /** Of what lies side by side at a site: whether this immutable id is the tenant's or the platform's. */
  mayUse(immutableId: string): Promise<boolean>;
  /** The value of a catalog secret, to be kept in memory. Throws when there is none, or it is not theirs to use. */
  secret(name: string): Promise<string>;
}

/** One thing that a bake needs at a site, and how it is. */
export interface PlacementFinding {
  readonly check: string;
  /** What cannot be seen without making something is `not checked`. */
  readonly outcome: 'ok' | 'failed' | 'not checked';
  readonly found: string;
  /** What to do where it failed. */
  readonly remedy?: string;
}

/** An image that a distribution publishes. */
export interface PublishedBase {
  readonly publisher: string;
  readonly name: string;
  readonly architecture: ArchitectureName;
  /** What the source of a catalog image names it by. */
  readonly id: string;
  /** When, as the place writes it. */
  readonly published: string;
}

/** Builds the platform's base image of one substrate, and removes those that newer ones replaced. */
export interface BaseBuilder {
  /** The catalog name of what it builds, such as `murmur-qemu-base`. */
  readonly imageName: string;
  /** Builds the base image, or finds the one that was built from the same inputs. */
  build(options: { readonly rebuild: boolean; onProgress(line: string): void; readonly signal: AbortSignal }): Promise<Image>;
  /**
   * Removes base images built here that are not in use, once they have been served for `unusedMs` by nobody and another one
   * that is in use is there. What another image or a machine stands on stays.
   */
  retire(unusedMs: number, inUse: (immutableId: string) => Promise<boolean>): Promise<void>;
}

/** How far {@link Substrate.imageExists} looks: `quick` is a cheap look-up, `thorough` reads and compares the content. */
export type ExistenceCheck = 'quick' | 'thorough';

/**
 * What Murmur asks of a place that runs machines. Every call may be repeated with the same token, after any crash, and
 * finds what the first call made. Faults of the platform are thrown as {@link PlatformFault}; anything else thrown is final.
 *
 * A call that is still under way when its signal is aborted rejects soon; what it began may or may not have happened.
 */
export interface Substrate {
  readonly name: SubstrateName;
  /**
   * Its things are on the server's own host: every list is current, and it serves only the tenants that the operator lists.
   * Elsewhere a list may lag behind for minutes.
   */
  readonly local: boolean;
  /**
   * A folder in the memory of its guests where the script's supervisor lives. Absent where the supervisor mounts one itself, as
   * in any machine of its own.
   */
  readonly guestFolder?: string;
  /** Where an image of this placement lives, in words: a GCP project, `<account>/<region>`, `docker-local`, `qemu-local`. */
  scope(placement: Placement): string;
  /** The site of a placement when this tenant uses it. Makes no call. */
  siteOf(placement: Placement, tenant: string): Site;
  /** Whether this server can reach the site: another host's disks it cannot. Makes no call. */
  serves(site: Site): boolean;
  /**
   * Pins an image to an immutable id. Throws FAILED_PRECONDITION when the artifact does not exist at the site, or lies there
   * among those of other tenants and {@link Rights.mayUse} denies it.
   */
  resolveBase(site: Site, image: Image, rights: Rights, signal: AbortSignal): Promise<ResolvedBase>;
  launch(spec: LaunchSpec, token: Token, signal: AbortSignal): Promise<Machine>;
  /** Returns when the guest has finished booting and answers. */
  waitReady(machine: Machine, keys: GuestKeys, signal: AbortSignal): Promise<void>;
  channel(machine: Machine, keys: GuestKeys, signal: AbortSignal): Promise<GuestChannel>;
  /** Stops the machine and makes an image of its disk. Repeated after the machine is gone, it finds the finished artifact. */
  capture(machine: Machine, keys: GuestKeys, artifact: CaptureSpec, signal: AbortSignal): Promise<Artifact>;
  /** The id by which catalog images name what a reference refers to; undefined for one half made. Makes no call. */
  imageId(reference: Handle): string | undefined;
  imageExists(site: Site, reference: Handle, check: ExistenceCheck, signal: AbortSignal): Promise<boolean>;
  /** Says that a catalog entry names the image now: {@link listOwned} leaves it out, and what else its making left goes. */
  keepImage(site: Site, reference: Handle, signal: AbortSignal): Promise<void>;
  /** Removes an image that no catalog entry names, unless another capture came to the very same one. Gone already is success. */
  discardImage(site: Site, reference: Handle, signal: AbortSignal): Promise<void>;
  /** Removes a machine with all that was made for it. Gone already is success. */
  destroy(site: Site, token: Token, signal: AbortSignal): Promise<void>;
  /** What carries this installation's tags at the site, apart from images that were kept. */
  listOwned(site: Site, installation: string, signal: AbortSignal): Promise<OwnedList>;
  /** Looks whether a bake at the site would find what it needs, and makes nothing. */
  checkPlacement?(site: Site, signal: AbortSignal): Promise<readonly PlacementFinding[]>;
  /** Lists what distributions publish where the site is: the newest of each release and architecture. */
  findBases?(site: Site, signal: AbortSignal): Promise<readonly PublishedBase[]>;
  /** Writes an image out as one file that needs no other: a flattened qcow2, an OCI archive. */
  exportImage?(site: Site, base: ResolvedBase, signal: AbortSignal): Promise<ExportedImage>;
  /** A shell command for a person on the server's host that opens a root shell in the machine. */
  shellCommand?(machine: Machine, keys: GuestKeys): Promise<string>;
  /** Present where base images can be built on the server's own host. */
  readonly baseBuilder?: BaseBuilder;
  /** Puts back what keeps machines from this host where something else on it has taken that away. Called every few seconds. */
  guard?(): Promise<void>;
  /** Ends the connections to machines, which go on without them. */
  close?(): Promise<void>;
}

/**
 * What a fault of the platform asks for. The substrate itself waits on `not-yet`, backs off on `slow-down`, goes elsewhere on
 * `no-room` and makes an image again on `image-failed` for as long as that may help; what still comes out of it is tried again
 * on a fresh machine. `lost` asks for one at once. `quota` and `refused` are final: another machine meets them again.
 */
export type FaultKind = 'not-yet' | 'slow-down' | 'no-room' | 'image-failed' | 'lost' | 'quota' | 'refused';

/** A fault of the platform, not of the script. */
export class PlatformFault extends Error {
  override readonly name = 'PlatformFault';
  readonly kind: FaultKind;

  constructor(message: string, options: ErrorOptions & { readonly kind?: FaultKind } = {}) {
    super(message, options);
    this.kind = options.kind ?? 'lost';
  }

  /** Whether a fresh machine would meet the same fault. */
  get isFinal(): boolean {
    return this.kind === 'quota' || this.kind === 'refused';
  }
}

const deeds = {
  off: 'powered the machine off',
  restart: 'restarted the machine',
  'off or restart': 'powered the machine off or restarted it',
} as const;

/** The machine was powered off or restarted by what runs in it, not lost: the same script does it again on a fresh one. */
export class EndedByGuest extends PlatformFault {
  /** What was done, to follow who did it: `powered the machine off`. */
  readonly deed: string;

  constructor(how: keyof typeof deeds) {
    super(`something in it ${deeds[how]}`);
    this.deed = deeds[how];
  }
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
  const either = AbortSignal.any([signal, limit]);
  try {
    either.throwIfAborted();
    // Whoever is asked may never notice the signal; whoever asks goes on all the same.
    const givenUp = new Promise<never>((_resolve, reject) => {
      either.addEventListener('abort', () => reject(either.reason as Error), { once: true });
    });
    return await Promise.race([ask(either), givenUp]);
  } catch (error) {
    signal.throwIfAborted();
    // A fault known by then says more than that the time is up.
    throw limit.aborted && !(error instanceof PlatformFault) ? new PlatformFault(fault, { cause: error }) : error;
  }
}

import type { LateReader, Lateness } from '../wire/late.js';

/** How the emulated cloud behaves; each can be changed while it runs. */
export interface Settings extends Lateness {
  /** An instance is `pending` for at least this long. */
  instancePendingMs: number;
  /** An image is `pending` for at least this long. */
  imagePendingMs: number;
  /** What was just made cannot be seen for this long. */
  lateMs: number;
  /** Readers who see it later, by the call's name or the caller's ARN. */
  lateReaders: readonly LateReader[];
  /** A page of a list holds no more than this, asked for or not. */
  pageSize: number;
  /** Sessions end after this many seconds at the latest. */
  sessionSeconds: number;
  /** Machines that may exist at once. */
  instanceQuota: number;
  /** Zones without room for another machine. */
  fullZones: readonly string[];
  /** Snapshots that may exist at once. */
  snapshotQuota: number;
  /** A snapshot counts as used for this long after its image was deregistered. */
  snapshotHeldMs: number;
  /** So many of the next images end `failed`. */
  failImages: number;
  /** Why the next instances end before they run, such as `Server.InsufficientInstanceCapacity`. */
  failLaunches: readonly string[];
  /** What images call their root disk. */
  rootDevice: string;
  /** Whether roles let in whoever comes with any external id or none, as without a condition in their trust policy. */
  anyExternalId: boolean;
  /** Actions that the caller's policy does not allow, such as `ec2:CreateImage`. */
  denied: readonly string[];
}

/** How it behaves when nobody asked for anything else. */
export function defaultSettings(): Settings {
  return {
    instancePendingMs: 0,
    imagePendingMs: 0,
    lateMs: 0,
    lateReaders: [],
    pageSize: 1000,
    sessionSeconds: 43_200,
    instanceQuota: 32,
    fullZones: [],
    snapshotQuota: 10_000,
    snapshotHeldMs: 0,
    failImages: 0,
    failLaunches: [],
    rootDevice: '/dev/xvda',
    anyExternalId: false,
    denied: [],
  };
}

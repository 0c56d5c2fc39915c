/** An operation that is accepted and fails. */
export interface FailingOperation {
  /** The call that starts it, such as `instances.insert`. */
  readonly call: string;
  readonly code: string;
  /** So many of the next ones. */
  readonly times: number;
}

/** How the emulated cloud behaves; each can be changed while it runs. */
export interface Settings {
  /** An operation is `RUNNING` for at least this long. */
  operationMs: number;
  /** `wait` answers after this long though the operation is not done. */
  waitMs: number;
  /** An image is `PENDING` for at least this long; the operation that makes it lasts as long. */
  imagePendingMs: number;
  /** A page of a list holds no more than this, asked for or not. */
  pageSize: number;
  /** Access tokens end after this many seconds at the latest. */
  tokenSeconds: number;
  /** Processors that may be in use in a region. */
  cpuQuota: number;
  /** Zones without room for another machine. */
  fullZones: readonly string[];
  /** What an operation says of a zone without room: either is a real one. */
  fullCode: string;
  /** Zones that lists cannot see into: they say `UNREACHABLE`. */
  unreachableZones: readonly string[];
  /** So many of the next images end `FAILED`. */
  failImages: number;
  /** Operations that fail late. */
  failOperations: readonly FailingOperation[];
  /** Permissions that nobody has, such as `compute.images.create`. */
  denied: readonly string[];
  /** The project's own metadata, such as `{"enable-oslogin": "TRUE"}`. */
  projectMetadata: Readonly<Record<string, string>>;
  /** Instances run without a machine behind them, for tests that enter none. */
  withoutMachines: boolean;
  /** The subjects that may act as the service account; `*` stands for anybody from the pool. */
  subjects: readonly string[];
}

/** How it behaves when nobody asked for anything else. */
export function defaultSettings(): Settings {
  return {
    operationMs: 0,
    waitMs: 120_000,
    imagePendingMs: 0,
    pageSize: 500,
    tokenSeconds: 3600,
    cpuQuota: 64,
    fullZones: [],
    fullCode: 'ZONE_RESOURCE_POOL_EXHAUSTED',
    unreachableZones: [],
    failImages: 0,
    failOperations: [],
    denied: [],
    projectMetadata: {},
    withoutMachines: false,
    subjects: ['local/default'],
  };
}

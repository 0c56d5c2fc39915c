import { ApiError } from './errors.js';

/** How the emulated cloud behaves; each can be changed while it runs. */
export interface Settings {
  /** An instance is `pending` for at least this long. */
  instancePendingMs: number;
  /** An image is `pending` for at least this long. */
  imagePendingMs: number;
  /** What was just made cannot be seen for this long. */
  lateMs: number;
  /** A page of a list holds no more than this, asked for or not. */
  pageSize: number;
  /** Sessions end after this many seconds at the latest. */
  sessionSeconds: number;
  /** Machines that may exist at once. */
  instanceQuota: number;
  /** Zones without room for another machine. */
  fullZones: readonly string[];
  /** So many of the next images end `failed`. */
  failImages: number;
  /** Actions that the caller's policy does not allow, such as `ec2:CreateImage`. */
  denied: readonly string[];
}

/** How it behaves when nobody asked for anything else. */
export function defaultSettings(): Settings {
  return {
    instancePendingMs: 0,
    imagePendingMs: 0,
    lateMs: 0,
    pageSize: 1000,
    sessionSeconds: 43_200,
    instanceQuota: 32,
    fullZones: [],
    failImages: 0,
    denied: [],
  };
}

/** Changes some settings by what a request's JSON says. Throws for a name or type that is not one of them. */
export function changeSettings(settings: Settings, changes: unknown): void {
  if (typeof changes !== 'object' || changes === null) throw new ApiError('InvalidParameterValue', 'settings are a JSON object');
  for (const [name, value] of Object.entries(changes)) {
    const before: unknown = Object.entries(settings).find(([known]) => known === name)?.[1];
    if (before === undefined || typeof before !== typeof value || Array.isArray(before) !== Array.isArray(value)) {
      throw new ApiError('InvalidParameterValue', `there is no setting ${name} of this type`);
    }
  }
  Object.assign(settings, changes);
}

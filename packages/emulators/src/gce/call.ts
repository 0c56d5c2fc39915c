import type { Clock } from '../wire/clock.js';
import { ApiError, notFound } from './errors.js';
import type { Body } from './json.js';
import type { Machines } from './machines.js';
import type { Settings } from './settings.js';
import type { World } from './world.js';

/** What calls act on. */
export interface Cloud {
  readonly world: World;
  readonly machines: Machines;
  readonly settings: Settings;
  readonly clock: Clock;
}

/** One call on its way: who asks for what. */
export interface Call extends Cloud {
  /** What stands in the path, by the names of the template. */
  readonly path: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  readonly body: Body;
  readonly caller: string;
  /** The call's name, such as `instances.insert`. */
  readonly name: string;
}

/** A call of the API. */
export interface Route {
  readonly name: string;
  readonly method: 'GET' | 'POST' | 'DELETE' | 'PUT' | 'PATCH';
  /** Below `projects/{project}/`. */
  readonly template: string;
  /** What the caller has to be allowed. */
  readonly permissions: readonly string[] | ((call: Call) => readonly string[]);
  run(call: Call): object | Promise<object>;
}

/** The project that a call names, which has to be ours. */
export function ownProject({ path, world }: Call): string {
  if (path['project'] === world.project || path['project'] === world.projectNumber) return world.project;
  throw new ApiError(403, 'forbidden', `Required permission is missing for 'projects/${path['project']}'`);
}

/** The zone that a call names, which has to be one of ours. */
export function zoneOf(call: Call): string {
  const zone = call.path['zone'] ?? '';
  if (call.world.zones.includes(zone)) return zone;
  throw notFound(`projects/${ownProject(call)}/zones/${zone}`);
}

/** Refuses what was read before somebody else changed it. */
export function checkFingerprint(given: string | undefined, current: string, what: string): void {
  if (given === current) return;
  throw new ApiError(412, 'conditionNotMet', `${what} fingerprint either invalid or resource ${what.toLowerCase()} have changed`);
}

/** A time as answers have it. */
export function timeOf(ms: number): string {
  return new Date(ms).toISOString().replace('Z', '-00:00');
}

import { ApiError } from './errors.js';
import type { Accounts, Credentials } from './accounts.js';
import type { Machines } from './machines.js';
import type { Parameters } from './parameters.js';
import type { Settings } from './settings.js';
import type { Clock } from '../wire/clock.js';
import type { Reader } from '../wire/late.js';
import type { World } from './world.js';
import type { XmlValue } from './xml.js';

/** One call on its way: who asks for what, and what there is. */
export interface Call {
  readonly parameters: Parameters;
  readonly caller: Credentials;
  readonly accounts: Accounts;
  readonly world: World;
  readonly machines: Machines;
  readonly settings: Settings;
  readonly clock: Clock;
  /** Who asks by which call, as far as it matters for what can be seen. */
  readonly reader: Reader;
}

/** A call of the API: the parameters it takes and what it does. */
export interface Action {
  readonly parameters: readonly string[];
  run(call: Call): Answer | Promise<Answer>;
}

/** What stands below an answer's first element. */
export type Answer = { readonly [name: string]: XmlValue };

/** The actions of one part of the API, by name. */
export type Actions = { readonly [name: string]: Action };

/** What nearly every list takes. */
export const listParameters = ['Filter', 'MaxResults', 'NextToken'];

/** Tags as answers have them. */
export function tagSet(tags: ReadonlyMap<string, string>): XmlValue {
  return tags.size === 0 ? undefined : [...tags].map(([key, value]) => ({ key, value }));
}

/** A thing by its id, or the error that says there is none. */
export function found<T>(things: ReadonlyMap<string, T>, id: string, code: string): T {
  const thing = things.get(id);
  if (thing === undefined) throw new ApiError(code, `The ID '${id}' does not exist`);
  return thing;
}

/** A time as answers have it. */
export function time(ms: number): string {
  return new Date(ms).toISOString();
}

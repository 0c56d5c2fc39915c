import type { Clock } from './clock.js';
import { ControlError } from './control-error.js';
import { parseFaults, type Faults } from './faults.js';
import { changeSettings } from './settings.js';

/** One call as an emulator met it. */
export interface SeenCall {
  readonly action: string;
  /** What came with it, but for whoever signed it. */
  readonly parameters?: ReadonlyMap<string, string>;
  /** `ok`, `lost` when the answer was withheld, or the error's code. */
  outcome: string;
}

/** What tests can see and change of an emulator while it runs. */
export interface Controls {
  readonly clock: Clock;
  readonly faults: Faults;
  readonly settings: object;
  /** The calls so far, oldest first. */
  readonly seen: readonly SeenCall[];
  /** What can happen to a thing of this cloud behind everybody's back, by its name; takes the thing's id. */
  readonly events?: Readonly<Record<string, (id: string) => void>>;
}

/** The path below which an emulator itself is spoken to; no cloud has it. */
export const controlPath = '/_emulator/';

/** Answers a request to the emulator itself. Throws a ControlError for one that it does not know. */
export function control({ clock, events = {}, faults, seen, settings }: Controls, method: string, path: string, body: string): unknown {
  switch (`${method} ${path}`) {
    case 'GET /_emulator/calls':
      return seen.map(({ action, outcome }) => ({ action, outcome }));
    case 'GET /_emulator/requests':
      return seen.map(({ action, outcome, parameters = new Map<string, string>() }) => ({
        action,
        outcome,
        parameters: Object.fromEntries(parameters),
      }));
    case 'GET /_emulator/settings':
      return settings;
    case 'GET /_emulator/clock':
      return { now: new Date(clock.now()).toISOString() };
    case 'PUT /_emulator/settings':
      changeSettings(settings, parse(body));
      return {};
    case 'PUT /_emulator/faults':
      faults.replace(parseFaults(parse(body)));
      return {};
    case 'PUT /_emulator/clock':
      clock.advance(forward(parse(body)));
      return {};
    case 'POST /_emulator/events':
      happen(events, parse(body));
      return {};
    default:
      throw new ControlError(`the emulator has no ${method} ${path}`, 404);
  }
}

function parse(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch (error) {
    throw new ControlError(`not JSON: ${String(error)}`);
  }
}

function happen(events: NonNullable<Controls['events']>, json: unknown): void {
  const { event, id } = (json ?? {}) as { event?: unknown; id?: unknown };
  const happening = typeof event === 'string' && Object.hasOwn(events, event) ? events[event] : undefined;
  if (happening === undefined || typeof id !== 'string') {
    throw new ControlError(`an event is {"event": NAME, "id": ID} with a name of ${Object.keys(events).join(', ')}`);
  }
  happening(id);
}

function forward(json: unknown): number {
  const ms = typeof json === 'object' && json !== null && 'advanceMs' in json ? json.advanceMs : undefined;
  if (typeof ms !== 'number' || !(ms >= 0)) throw new ControlError('a clock is put forward by {"advanceMs": MILLISECONDS}');
  return ms;
}

import { randomUUID } from 'node:crypto';

import { askPatiently } from '../cloud/asking.js';
import { growingPause, type Pauses } from '../cloud/pauses.js';
import type { Site } from '../substrate.js';
import type { Operation } from './api.js';
import { asFault, GoogleError, isExpired, kindOf } from './faults.js';
import { openLogin, type GceConfiguration, type Login, type SubjectTokens } from './identity.js';
import { placeOf } from './place.js';

/** One call of Compute, below `projects/`. */
export interface ComputeCall {
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: object;
}

/** Compute at a site, with the rights of its placement. */
export interface Compute {
  /**
   * Makes a call that may be repeated, again while that may help: throttling and lost answers for minutes, tokens that are over.
   * A `patient` one waits also for what is in use or not ready.
   */
  ask<T>(signal: AbortSignal, call: ComputeCall, how?: 'patient'): Promise<T>;
  /**
   * Makes a call that starts something, under one request id however often it is repeated, and waits for its end. Throws what the
   * operation ended with. A request id of one's own makes it the same thing also after a crash.
   */
  perform(signal: AbortSignal, call: ComputeCall, options?: { readonly requestId?: string; readonly how?: 'patient' }): Promise<void>;
}

/** The places that sites are in. */
export interface Places {
  of(site: Site): Compute;
}

/** A call that has said nothing for so long is one whose answer was lost; `wait` itself answers after two minutes. */
const requestMs = 60_000;
const waitMs = 150_000;

/** Logs in as it is needed and keeps each login, in memory, for as long as its tokens are taken. */
export function createPlaces(configuration: GceConfiguration, subjects: SubjectTokens, pauses: Pauses): Places {
  const base = `${(configuration.endpoint ?? 'https://compute.googleapis.com').replace(/\/$/, '')}/compute/v1/projects/`;
  const logins = new Map<string, Promise<Login>>();

  const loginOf = (key: string, site: Site): Promise<Login> => {
    const known = logins.get(key);
    if (known !== undefined) return known;
    const opening = openLogin(configuration, subjects, placeOf(site));
    logins.set(key, opening);
    opening.catch(() => logins.delete(key));
    return opening;
  };

  return {
    of(site) {
      const { actsAs, provider, tenant } = placeOf(site);
      const key = JSON.stringify([provider, actsAs, tenant]);
      const asking = { pauses, asFault, isExpired, kindOf, renew: () => void logins.delete(key) };
      const once = async (call: ComputeCall, limitMs: number, signal: AbortSignal): Promise<unknown> => {
        const token = await (await loginOf(key, site)).token();
        return send(base, call, token, AbortSignal.any([signal, AbortSignal.timeout(limitMs)]));
      };
      const compute: Compute = {
        ask: async <T>(signal: AbortSignal, call: ComputeCall, how?: 'patient') =>
          (await askPatiently(() => once(call, requestMs, signal), { ...asking, signal, isPatient: how === 'patient' })) as T,
        async perform(signal, call, { how, requestId = randomUUID() } = {}) {
          const begin = { ...call, query: { ...call.query, requestId } };
          const isPatient = how === 'patient';
          // What an operation ends with is not mended by asking after it: whoever began it decides.
          let operation = (await askPatiently(() => once(begin, requestMs, signal), { ...asking, signal, isPatient })) as Operation;
          const pause = growingPause(pauses, 'even', signal);
          for (; operation.status !== 'DONE'; await pause()) {
            const scope = operation.zone === undefined ? 'global' : `zones/${operation.zone.slice(operation.zone.lastIndexOf('/') + 1)}`;
            const path = `${placeOf(site).project}/${scope}/operations/${operation.name}/wait`;
            const look = () => once({ method: 'POST', path }, waitMs, signal);
            operation = (await askPatiently(look, { ...asking, signal })) as Operation;
          }
          const [failure] = operation.error?.errors ?? [];
          if (operation.error === undefined) return;
          throw asFault(
            new GoogleError(failure?.code ?? 'UNKNOWN', operation.httpErrorStatusCode, failure?.message ?? 'no reason is given'),
          );
        },
      };
      return compute;
    },
  };
}

async function send(base: string, { body, method, path, query }: ComputeCall, token: string, signal: AbortSignal): Promise<unknown> {
  const url = `${base}${path}${query === undefined ? '' : `?${new URLSearchParams(query).toString()}`}`;
  let status: number;
  let text: string;
  try {
    const response = await fetch(url, {
      method,
      signal,
      // Whatever else the address says, a token goes nowhere but there.
      redirect: 'error',
      headers: { authorization: `Bearer ${token}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    status = response.status;
    text = await response.text();
  } catch (error) {
    throw new GoogleError('', undefined, `no answer: ${String(error)}`, { cause: error });
  }
  const content = parse(text);
  if (status < 300 && content !== undefined) return content;
  const { error } = (content ?? {}) as { error?: { message?: string; errors?: readonly { reason?: string }[]; status?: string } };
  throw new GoogleError(
    error?.errors?.[0]?.reason ?? error?.status ?? '',
    status < 300 ? undefined : status,
    error?.message ?? `HTTP ${status}`,
  );
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    // An answer that was cut off is as good as none, and a proxy's page says nothing.
    return undefined;
  }
}

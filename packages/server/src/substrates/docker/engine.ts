import { setTimeout as delay } from 'node:timers/promises';

import Docker from 'dockerode';

import { PlatformFault } from '../substrate.js';

const firstPauseMs = 200;
const longestPauseMs = 5000;
/** An engine that restarts is back within this. */
const patienceMs = 120_000;

/** A Docker Engine and how it is reached. */
export interface Engine {
  readonly docker: Docker;
  readonly socket: string;
  /** The engine's own id, which stays the same for as long as its data is there. */
  readonly id: string;
}

/** Reaches the engine behind a socket. Rejects when it does not answer. */
export async function connectEngine(socket: string): Promise<Engine> {
  const docker = new Docker({ socketPath: socket });
  const info = (await docker.info()) as { ID?: string; OSType?: string };
  if (info.OSType !== undefined && info.OSType !== 'linux') throw new Error(`the engine at ${socket} runs ${info.OSType} containers`);
  return { docker, socket, id: info.ID ?? socket };
}

/**
 * Asks the engine, and asks again while it is away or starting, for two minutes or until the signal is aborted. Faults of the
 * engine come out as {@link PlatformFault}; what it answers about the question itself, such as 404, as it came.
 */
export async function asked<T>(signal: AbortSignal, ask: () => Promise<T>): Promise<T> {
  const until = performance.now() + patienceMs;
  for (let pause = firstPauseMs; ; pause = Math.min(pause * 2, longestPauseMs)) {
    try {
      signal.throwIfAborted();
      return await unlessAborted(signal, ask());
    } catch (error) {
      signal.throwIfAborted();
      const fault = faultOf(error);
      if (fault === undefined) throw error;
      if (fault.kind !== 'not-yet' || performance.now() > until) throw fault;
      await delay(pause, undefined, { signal });
    }
  }
}

/** Asks the engine for what must not be asked twice. Any fault of the engine comes out as {@link PlatformFault} at once. */
export async function askedOnce<T>(signal: AbortSignal, ask: () => Promise<T>): Promise<T> {
  try {
    signal.throwIfAborted();
    return await unlessAborted(signal, ask());
  } catch (error) {
    signal.throwIfAborted();
    throw faultOf(error) ?? error;
  }
}

/** Waits no longer than the signal lets it: an engine that hangs never answers, and its client waits for ever. */
function unlessAborted<T>(signal: AbortSignal, answer: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const giveUp = () => reject(signal.reason as Error);
    signal.addEventListener('abort', giveUp, { once: true });
    answer.then(resolve, reject).finally(() => signal.removeEventListener('abort', giveUp));
  });
}

/** The HTTP status with which the engine refused something; undefined for any other error. */
export function statusOf(error: unknown): number | undefined {
  return error instanceof Error && 'statusCode' in error && typeof error.statusCode === 'number' ? error.statusCode : undefined;
}

/** Lets one refusal of the engine pass as an answer. */
export async function unlessStatus<T>(status: number, asking: Promise<T>): Promise<T | undefined> {
  try {
    return await asking;
  } catch (error) {
    if (statusOf(error) === status) return undefined;
    throw error;
  }
}

const connectionFaults = new Set(['ECONNREFUSED', 'ECONNRESET', 'ENOENT', 'EPIPE', 'ETIMEDOUT', 'EAGAIN', 'EACCES']);

function faultOf(error: unknown): PlatformFault | undefined {
  if (!(error instanceof Error) || error instanceof PlatformFault) return undefined;
  const status = statusOf(error);
  if (status === undefined) {
    const code = 'code' in error ? String(error.code) : '';
    if (!connectionFaults.has(code) && error.message !== 'socket hang up') return undefined;
    return new PlatformFault(`the Docker engine does not answer (${code || error.message})`, { cause: error, kind: 'not-yet' });
  }
  if (/no space left on device|disk quota exceeded/i.test(error.message)) {
    return new PlatformFault('the Docker engine has no disk space left', { cause: error, kind: 'no-room' });
  }
  if (status === 503 || status === 429)
    return new PlatformFault(`the Docker engine is busy: ${reasonOf(error)}`, { cause: error, kind: 'not-yet' });
  if (status === 401 || status === 403)
    return new PlatformFault(`the Docker engine denies it: ${reasonOf(error)}`, { cause: error, kind: 'refused' });
  if (status >= 500) return new PlatformFault(`the Docker engine failed: ${reasonOf(error)}`, { cause: error });
  return undefined;
}

/** What the engine gives as its reason, without the client's words around it. */
export function reasonOf(error: Error): string {
  const { json } = error as { json?: { message?: unknown } };
  return (typeof json?.message === 'string' ? json.message : error.message).slice(0, 500);
}

import { answeredWithin, PlatformFault } from '../substrate.js';
import type { RegistryCredential } from './credential.js';

const callMs = 60_000;
/** A token is a few kilobytes. */
const mostTokenBytes = 64 * 1024;

/** A call of a registry's own API. */
export interface RegistryCall {
  readonly method: 'DELETE';
  readonly host: string;
  /** Below `/v2/`. */
  readonly path: string;
}

/**
 * Calls a registry and returns the status it answers. It is asked with the password, and where it wants a token for that, as most
 * do, with one from the service that it names. Throws {@link PlatformFault} when it does not answer.
 */
export async function callRegistry(call: RegistryCall, credential: RegistryCredential | undefined, signal: AbortSignal): Promise<number> {
  const { host, method, path } = call;
  const login = credential === undefined ? undefined : Buffer.from(`${credential.username}:${credential.password}`).toString('base64');
  const basic = login === undefined ? undefined : `Basic ${login}`;
  const url = `${schemeOf(host)}://${host}/v2/${path}`;
  const answer = await send(host, url, { method, authorization: basic }, signal);
  const challenge = answer.status === 401 ? tokenService(answer.headers.get('www-authenticate') ?? '') : undefined;
  if (challenge === undefined) return answer.status;
  const granted = await send(host, challenge.href, { method: 'GET', authorization: basic }, signal);
  const token = granted.status === 200 ? tokenIn(granted.text) : undefined;
  // Who gets none is refused as the registry has refused.
  if (token === undefined) return granted.status >= 500 ? granted.status : answer.status;
  return (await send(host, url, { method, authorization: `Bearer ${token}` }, signal)).status;
}

/** As the engine does, which trusts its own host without TLS. */
function schemeOf(host: string): 'http' | 'https' {
  return /^(?:127\.|localhost(?::|$)|\[::1\])/.test(host) ? 'http' : 'https';
}

/** Where a challenge says that tokens are given out; undefined for any other challenge, and where a password would go in clear. */
function tokenService(challenge: string): URL | undefined {
  const [, parameters] = /^Bearer\s+(.+)$/i.exec(challenge) ?? [];
  const named = new Map([...(parameters ?? '').matchAll(/(\w+)="([^"]*)"/g)].map(([, name, value]) => [name, value]));
  const realm = named.get('realm') ?? '';
  if (!URL.canParse(realm)) return undefined;
  const url = new URL(realm);
  if (url.protocol !== 'https:' && url.protocol !== `${schemeOf(url.host)}:`) return undefined;
  for (const name of ['service', 'scope']) {
    const value = named.get(name);
    if (value !== undefined) url.searchParams.append(name, value);
  }
  return url;
}

function tokenIn(text: string): string | undefined {
  try {
    const { access_token, token = access_token } = JSON.parse(text) as { readonly token?: unknown; readonly access_token?: unknown };
    return typeof token === 'string' && /^[\x21-\x7e]+$/.test(token) ? token : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

async function send(
  host: string,
  url: string,
  { authorization, method }: { readonly method: string; readonly authorization: string | undefined },
  signal: AbortSignal,
): Promise<{ readonly status: number; readonly headers: Headers; readonly text: string }> {
  const headers: Record<string, string> = authorization === undefined ? {} : { authorization };
  try {
    return await answeredWithin(callMs, signal, async (limited) => {
      const answer = await fetch(url, { method, headers, signal: limited, redirect: 'manual' });
      return { status: answer.status, headers: answer.headers, text: await start(answer.body) };
    });
  } catch (error) {
    signal.throwIfAborted();
    throw new PlatformFault(`the registry ${host} does not answer`, { cause: error });
  }
}

/** The beginning of an answer, which is all of any that is meant. */
async function start(body: ReadableStream<Uint8Array> | null): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body ?? []) {
    chunks.push(chunk);
    size += chunk.length;
    if (size > mostTokenBytes) break;
  }
  return Buffer.concat(chunks).subarray(0, mostTokenBytes).toString();
}

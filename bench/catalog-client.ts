import type { BenchServer } from './server.js';

/** A resource as far as the benchmark looks at it. */
export interface Listed {
  readonly name: string;
}

/** What a call answers, as JSON; which members there are depends on the call. */
export interface Answer {
  readonly resource?: Listed;
  readonly resources?: readonly Listed[];
  readonly nextPageToken?: string;
  readonly generations?: readonly unknown[];
  readonly changed?: boolean;
  readonly token?: string;
  /** Of an error. */
  readonly code?: string;
  readonly message?: string;
}

/** Calls the API as one caller. */
export type Call = (method: string, request: object) => Promise<Answer>;

/** Calls a server with this key. An error is an answer too; {@link succeed} is for calls that must not fail. */
export function caller(server: Pick<BenchServer, 'url'>, key: string): Call {
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
  return async (method, request) => {
    const url = `${server.url}/murmur.api.v1.MurmurService/${method}`;
    const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(request) });
    return (await response.json()) as Answer;
  };
}

/** The answer of a call that must succeed. */
export async function succeed(call: Call, method: string, request: object): Promise<Answer> {
  const answer = await call(method, request);
  if (answer.code !== undefined) throw new Error(`${method} ${JSON.stringify(request)} failed: ${answer.code}: ${answer.message}`);
  return answer;
}

/** Reads a list page by page from its start, in the order of creation; the number of resources read. */
export async function walk(call: Call, kind: string, pageSize: number, onPage: (token: string) => void = () => undefined): Promise<number> {
  let pageToken = '';
  let read = 0;
  do {
    const page = await succeed(call, 'ListResources', { kind, pageSize, pageToken });
    read += page.resources?.length ?? 0;
    pageToken = page.nextPageToken ?? '';
    onPage(pageToken);
  } while (pageToken !== '');
  return read;
}

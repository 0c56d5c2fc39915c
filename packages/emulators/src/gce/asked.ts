import type { IncomingHttpHeaders } from 'node:http';

/** A request of the API, alone or as a part of a batch. */
export interface Asked {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** An answer; undefined for none at all, as when the connection is lost. */
export type Answered = { readonly status: number; readonly content: unknown } | undefined;

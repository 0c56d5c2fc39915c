import type { IncomingMessage, ServerResponse } from 'node:http';

import { encodings, type SiteFile } from './files.js';
import { contentSecurityPolicy, securityHeaders } from './policy.js';

const aYear = 31_536_000;

const notBuilt = 'The dashboard is not built. Build it with: npm ci && npm run build\n';

/** Answers a request for the dashboard; false when it is for something else. */
export type ServeSite = (request: IncomingMessage, response: ServerResponse) => boolean;

/**
 * Serves the dashboard's files from memory: those whose names say what is in them for a year, and the page itself anew each
 * time. The page answers for every address that a browser opens and nothing else does: it knows its own addresses.
 */
export function serveSite(files: ReadonlyMap<string, SiteFile>, issuers: readonly string[]): ServeSite {
  const headers = securityHeaders(contentSecurityPolicy(issuers));
  const page = files.get('/index.html');
  return (request, response) => {
    if (request.method !== 'GET' && request.method !== 'HEAD') return false;
    const [path = ''] = (request.url ?? '').split('?', 1);
    const file = path === '/' || path === '/index.html' ? undefined : files.get(path);
    if (file === undefined && (path.startsWith('/assets/') || !(path === '/' || opensPage(request)))) return false;
    const sent = file ?? page;
    if (sent === undefined) {
      response.writeHead(503, { ...headers, 'content-type': 'text/plain; charset=utf-8' });
      response.end(notBuilt);
      return true;
    }
    send(request, response, sent, headers);
    return true;
  };
}

/** Whether a browser asks for a page to show, rather than a program for an answer. */
function opensPage({ headers }: IncomingMessage): boolean {
  return headers.accept?.includes('text/html') === true;
}

function send(request: IncomingMessage, response: ServerResponse, file: SiteFile, shared: Readonly<Record<string, string>>): void {
  const taken = acceptedEncodings(request);
  const [encoding] = encodings.find(([name]) => taken.has(name) && file.compressed.has(name)) ?? [];
  const body = (encoding === undefined ? undefined : file.compressed.get(encoding)) ?? file.plain;
  const etag = `"${file.etag}${encoding === undefined ? '' : `-${encoding}`}"`;
  const headers = {
    ...shared,
    'content-type': file.type,
    'cache-control': file.isHashed ? `public, max-age=${aYear}, immutable` : 'no-cache',
    vary: 'accept-encoding',
    etag,
    ...(encoding === undefined ? {} : { 'content-encoding': encoding }),
  };
  if (request.headers['if-none-match']?.split(/\s*,\s*/).includes(etag) === true) {
    response.writeHead(304, headers);
    response.end();
    return;
  }
  response.writeHead(200, { ...headers, 'content-length': String(body.length) });
  response.end(request.method === 'HEAD' ? undefined : body);
}

function acceptedEncodings({ headers }: IncomingMessage): ReadonlySet<string> {
  const written = headers['accept-encoding'];
  const listed = (Array.isArray(written) ? written.join(',') : (written ?? '')).toLowerCase().split(',');
  return new Set(
    listed.flatMap((one) => {
      const [name = '', ...parameters] = one.split(';').map((part) => part.trim());
      return parameters.some((parameter) => /^q=0(\.0*)?$/.test(parameter)) ? [] : [name];
    }),
  );
}

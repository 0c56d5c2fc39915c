import type { IncomingHttpHeaders, ServerResponse } from 'node:http';

import type { Controls, SeenCall } from '../wire/controls.js';
import type { WholeRequest } from '../wire/server.js';
import type { Answered, Asked } from './asked.js';
import { answerBatch } from './batch.js';
import type { Call, Cloud, Route } from './call.js';
import { diskRoutes } from './calls/disks.js';
import { imageRoutes } from './calls/images.js';
import { instanceRoutes } from './calls/instances.js';
import { placeRoutes } from './calls/places.js';
import { ApiError, errorBody, notFound } from './errors.js';
import {
  changeProvider,
  describeProvider,
  exchangeToken,
  generateAccessToken,
  StatusError,
  TokenError,
  type IdentityCloud,
} from './identity.js';
import { parseBody } from './json.js';

/** One request as the emulator understood it. */
export interface SeenRequest extends SeenCall {
  readonly method: string;
  readonly url: string;
  readonly body: string;
  readonly caller: string;
  /** What was answered; undefined where nothing was. */
  answer: unknown;
}

/** Everything behind the emulator's address. */
export interface Service extends Cloud, IdentityCloud, Controls {
  readonly settings: Cloud['settings'];
  readonly clock: Cloud['clock'];
  /** The requests so far, oldest first. */
  readonly seen: SeenRequest[];
  /** Every permission that a call has needed. */
  readonly permissions: Set<string>;
}

const routes = [...imageRoutes, ...diskRoutes, ...instanceRoutes, ...placeRoutes].map((route) => ({ route, pattern: patternOf(route) }));
const statuses: Readonly<Record<number, string>> = {
  400: 'INVALID_ARGUMENT',
  401: 'UNAUTHENTICATED',
  403: 'PERMISSION_DENIED',
  404: 'NOT_FOUND',
};

/** Answers one HTTP request. */
export async function answer(service: Service, { body, request, response }: WholeRequest): Promise<void> {
  const asked = { method: request.method ?? '', url: request.url ?? '/', headers: request.headers, body };
  if (asked.url.startsWith('/batch')) return answerBatch(asked, response, (part) => dispatch(service, part));
  const answered = await dispatch(service, asked);
  if (answered === undefined) return void request.socket.destroy();
  send(response, answered.status, answered.content);
}

function send(response: ServerResponse, status: number, content: unknown): void {
  const text = `${JSON.stringify(content, undefined, 2)}\n`;
  response.writeHead(status, { 'content-type': 'application/json; charset=UTF-8' }).end(text);
}

/** Finds the call and makes it, with the fault that it meets. */
async function dispatch(service: Service, asked: Asked): Promise<Answered> {
  const url = new URL(asked.url, 'http://emulator');
  const found = find(service, asked, url);
  const seen: SeenRequest = {
    action: found.name,
    outcome: 'ok',
    parameters: new Map([
      ['url', `${asked.method} ${asked.url}`],
      ['body', asked.body],
    ]),
    method: asked.method,
    url: asked.url,
    body: asked.body,
    caller: '',
    answer: undefined,
  };
  service.seen.push(seen);
  const fault = service.faults.take(found.name);
  const lost = () => void (seen.outcome = 'lost');
  try {
    if (fault?.effect === 'fail')
      throw new ApiError(fault.status ?? 503, fault.code ?? 'backendError', 'This was injected by the emulator.');
    if (fault?.effect === 'drop') return lost();
    const run = found.prepare(seen);
    if (fault?.effect === 'twice') await attempt(run);
    const content = fault?.effect === 'empty' ? {} : await run();
    if (fault?.effect === 'lose') return lost();
    seen.answer = content;
    return { status: 200, content };
  } catch (error) {
    const { content, outcome, status } = describeError(error, found.style);
    Object.assign(seen, { outcome, answer: content });
    return { status, content };
  }
}

interface Found {
  readonly name: string;
  /** How its errors look. */
  readonly style: 'compute' | 'status' | 'token';
  /** Checks who asks, and gives what is to be done. */
  prepare(seen: SeenRequest): () => object | Promise<object>;
}

function find(service: Service, asked: Asked, url: URL): Found {
  const { body, headers, method } = asked;
  const { pathname } = url;
  if (method === 'POST' && pathname === '/v1/token') {
    const given = headers['content-type']?.includes('json') === true ? jsonFields(body) : formFields(body);
    return { name: 'sts.token', style: 'token', prepare: () => () => exchangeToken(service, given) };
  }
  const [, account] = /^\/v1\/projects\/-\/serviceAccounts\/([^/:]+):generateAccessToken$/.exec(pathname) ?? [];
  if (method === 'POST' && account !== undefined) {
    return {
      name: 'iamcredentials.generateAccessToken',
      style: 'status',
      prepare: (seen) => {
        const caller = authenticate(service, headers, seen, 'anybody');
        return () => generateAccessToken(service, caller, decodeURIComponent(account), parseBody(body));
      },
    };
  }
  if (pathname === `/v1/${service.provider.resourceName}` && (method === 'GET' || method === 'PATCH')) {
    return {
      name: `iam.providers.${method === 'GET' ? 'get' : 'patch'}`,
      style: 'status',
      prepare: (seen) => {
        authenticate(service, headers, seen, 'account');
        return () => (method === 'GET' ? describeProvider(service.provider) : changeProvider(service.provider, parseBody(body)));
      },
    };
  }
  return findRoute(service, asked, url);
}

function findRoute(service: Service, { body, headers, method }: Asked, url: URL): Found {
  const below = url.pathname.replace(/^\/compute\/v1\//, '/').replace(/^\/(?=projects\/)/, '');
  for (const { pattern, route } of routes) {
    const groups = route.method === method ? pattern.exec(below)?.groups : undefined;
    if (groups === undefined) continue;
    const path = Object.fromEntries(Object.entries(groups).map(([name, value]) => [name, decodeURIComponent(value)]));
    return {
      name: route.name,
      style: 'compute',
      prepare: (seen) => {
        const caller = authenticate(service, headers, seen, 'account');
        const call: Call = { ...service, name: route.name, path, query: url.searchParams, body: parseBody(body), caller };
        authorize(service, call, route);
        return () => route.run(call);
      },
    };
  }
  return { name: 'unknown', style: 'compute', prepare: () => () => Promise.reject(notFound(url.pathname)) };
}

function authenticate(service: Service, headers: IncomingHttpHeaders, seen: SeenRequest, wanted: 'account' | 'anybody'): string {
  const [, token = ''] = /^Bearer (.+)$/i.exec(headers.authorization ?? '') ?? [];
  const holder = service.tokens.holderOf(token);
  if (token === '') throw new ApiError(401, 'required', 'Login Required.');
  if (holder === undefined) throw new ApiError(401, 'authError', 'Invalid Credentials');
  Object.assign(seen, { caller: holder.name });
  if (wanted === 'account' && holder.kind !== 'account')
    throw new ApiError(403, 'forbidden', `Required permission is missing for ${holder.name}`);
  return holder.name;
}

function authorize({ permissions, settings }: Service, call: Call, route: Route): void {
  const needed = typeof route.permissions === 'function' ? route.permissions(call) : route.permissions;
  for (const one of needed) permissions.add(one);
  const missing = needed.find((one) => settings.denied.includes(one));
  if (missing === undefined) return;
  throw new ApiError(403, 'forbidden', `Required '${missing}' permission for 'projects/${call.path['project']}'`);
}

/** Runs a call whose answer nobody gets: its error is nobody's either. */
async function attempt(run: () => object | Promise<object>): Promise<void> {
  try {
    await run();
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
  }
}

function describeError(error: unknown, style: Found['style']): { status: number; outcome: string; content: object } {
  if (error instanceof TokenError) {
    return { status: error.status, outcome: error.code, content: { error: error.code, error_description: error.message } };
  }
  if (error instanceof StatusError) {
    const { code, message, status } = error;
    return { status, outcome: code, content: { error: { code: status, message, status: code } } };
  }
  const known = error instanceof ApiError ? error : new ApiError(500, 'internalError', String(error));
  const { message, reason, status } = known;
  if (style === 'token') return { status, outcome: reason, content: { error: reason, error_description: message } };
  if (style === 'compute') return { status, outcome: reason, content: errorBody(known) };
  return { status, outcome: reason, content: { error: { code: status, message, status: statuses[status] ?? 'UNAVAILABLE' } } };
}

function patternOf({ template }: Route): RegExp {
  const below = template === '' ? '' : `/${template}`;
  return new RegExp(`^projects/(?<project>[^/]+)${below.replace(/\{(\w+)\}/g, '(?<$1>[^/]+)')}$`);
}

function formFields(body: string): (name: string) => string {
  const form = new URLSearchParams(body);
  return (name) => form.get(name) ?? '';
}

function jsonFields(body: string): (name: string) => string {
  const fields = parseBody(body);
  const given = (name: string) => fields[name] ?? fields[name.replace(/_([a-z])/g, (_all, letter: string) => letter.toUpperCase())];
  return (name) => {
    const value = given(name);
    return typeof value === 'string' ? value : '';
  };
}

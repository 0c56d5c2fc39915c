import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

import type { Clock } from '../wire/clock.js';
import type { Controls, SeenCall } from '../wire/controls.js';
import type { Fault, Faults } from '../wire/faults.js';
import type { WholeRequest } from '../wire/server.js';
import { accountOf, type Accounts, type Credentials } from './accounts.js';
import type { Action, Actions, Answer, Call } from './call.js';
import { imageActions } from './calls/images.js';
import { instanceActions } from './calls/instances.js';
import { networkActions } from './calls/network.js';
import { resourceActions } from './calls/resources.js';
import { stsActions } from './calls/sts.js';
import { ApiError } from './errors.js';
import { askedBy } from './iam/asked.js';
import { allows, type Asked } from './iam/policy.js';
import type { Machines } from './machines.js';
import { checkAnswer, checkParameters, isOperation, type Api } from './model.js';
import { flag, parseForm, refuseIgnored, required, type Parameters } from './parameters.js';
import type { Settings } from './settings.js';
import { verify } from './signature.js';
import type { World } from './world.js';
import { element } from './xml.js';

const ec2Actions: Actions = { ...imageActions, ...instanceActions, ...networkActions, ...resourceActions };
const namespaces = { ec2: 'http://ec2.amazonaws.com/doc/2016-11-15/', sts: 'https://sts.amazonaws.com/doc/2011-06-15/' };

/** One request as the emulator understood it. */
export interface SeenRequest extends SeenCall {
  readonly parameters: Parameters;
}

/** Everything behind the emulator's address. */
export interface Service {
  readonly accounts: Accounts;
  readonly worlds: ReadonlyMap<string, World>;
  readonly machines: Machines;
  readonly settings: Settings;
  readonly faults: Faults;
  /** The calls so far, oldest first. */
  readonly seen: SeenRequest[];
  readonly clock: Clock;
  /** What can happen to an instance that nobody asked for. */
  readonly events: NonNullable<Controls['events']>;
}

interface Route {
  readonly api: Api;
  readonly name: string;
  readonly action: Action;
  readonly call: Call;
}

/** Answers one HTTP request: a call of EC2 or STS. */
export async function answer(service: Service, { body, request, response }: WholeRequest): Promise<void> {
  let api: Api = 'ec2';
  let seen: SeenRequest | undefined;
  const send = (status: number, body: string) => void response.writeHead(status, { 'content-type': 'text/xml;charset=UTF-8' }).end(body);
  try {
    const parameters = parseForm(body);
    const name = required(parameters, 'Action');
    api = name in stsActions ? 'sts' : 'ec2';
    seen = { action: name, parameters, outcome: 'ok' };
    service.seen.push(seen);
    const route = authorize(service, request, body, parameters, name, api);
    const fault = service.faults.take(name);
    if (fault?.effect === 'fail') throw errorOf(fault);
    if (fault?.effect === 'drop') return drop(request, seen);
    if (flag(parameters, 'DryRun') === true)
      throw new ApiError('DryRunOperation', 'Request would have succeeded, but DryRun flag is set.', 412);
    if (fault?.effect === 'twice') await attempt(route);
    const result = fault?.effect === 'empty' ? {} : await route.action.run(route.call);
    if (fault?.effect === 'lose') return drop(request, seen);
    checkAnswer(api, name, result);
    send(200, document(route, result));
  } catch (error) {
    const known = error instanceof ApiError ? error : new ApiError('InternalError', String(error), 500);
    if (seen !== undefined) seen.outcome = known.code;
    send(known.status, errorDocument(api, known));
  }
}

function authorize(service: Service, request: IncomingMessage, body: string, parameters: Parameters, name: string, api: Api): Route {
  const { accounts, clock, machines, settings, worlds } = service;
  const signed = { method: request.method ?? '', url: request.url ?? '/', headers: request.headers, body };
  let caller: Credentials | undefined;
  const scope = verify(
    signed,
    Date.now(),
    (accessKeyId) => (caller = holderFor(api, () => accounts.holderOf(accessKeyId, signed))).secretAccessKey,
  );
  const action = (api === 'sts' ? stsActions : ec2Actions)[name];
  if (scope.service !== api || !isOperation(api, name))
    throw new ApiError('InvalidAction', `The action ${name} is not valid for this web service.`);
  if (action === undefined) throw new ApiError('UnsupportedOperation', `The emulator does not have the action ${name}.`);
  checkParameters(api, name, parameters);
  refuseIgnored(parameters, action.parameters);
  const world = worlds.get(scope.region) ?? (api === 'sts' ? [...worlds.values()][0] : undefined);
  if (world === undefined || caller === undefined) throw new ApiError('AuthFailure', `There is no region ${scope.region} here`, 401);
  for (const { action: asked, resource } of refusals(api, name, parameters, caller, world, settings)) {
    const message = `User: ${caller.arn} is not authorized to perform: ${asked} on resource: ${resource}`;
    throw new ApiError(
      'UnauthorizedOperation',
      `You are not authorized to perform this operation. ${message} because no identity-based policy allows the ${asked} action`,
      403,
    );
  }
  const reader = { call: name, caller: caller.arn };
  return { api, name, action, call: { parameters, caller, accounts, world, machines, settings, clock, reader } };
}

/** What of a call the caller's policy does not allow, or a test has put out of reach. */
function refusals(
  api: Api,
  name: string,
  parameters: Parameters,
  caller: Credentials,
  world: World,
  { denied }: Settings,
): readonly Asked[] {
  if (denied.includes(`${api}:${name}`)) return [{ action: `${api}:${name}`, resource: '*', keys: new Map() }];
  const { policy } = caller;
  if (api === 'sts' || policy === undefined) return [];
  return askedBy(name, parameters, world, accountOf(caller.arn)).filter((asked) => !allows(policy, asked));
}

/** The two services say differently that a key is unknown or a session over. */
function holderFor(api: Api, find: () => Credentials): Credentials {
  try {
    return find();
  } catch (error) {
    if (api === 'ec2' || !(error instanceof ApiError)) throw error;
    throw error.code === 'RequestExpired'
      ? new ApiError('ExpiredToken', 'The security token included in the request is expired', 403)
      : new ApiError('InvalidClientTokenId', 'The security token included in the request is invalid.', 403);
  }
}

/** Runs a call whose answer nobody gets: its error is nobody's either. */
async function attempt({ action, call }: Route): Promise<void> {
  try {
    await action.run(call);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
  }
}

/** The error that a call with this fault answers. */
function errorOf({ code = 'InternalError', status = 500 }: Fault): ApiError {
  return new ApiError(code, 'This was injected by the emulator.', status);
}

function drop(request: IncomingMessage, seen: SeenRequest): void {
  Object.assign(seen, { outcome: 'lost' });
  request.socket.destroy();
}

function document({ api, name }: Route, result: Answer): string {
  const requestId = randomUUID();
  const content = api === 'ec2' ? { requestId, ...result } : { [`${name}Result`]: result, ResponseMetadata: { RequestId: requestId } };
  return `<?xml version="1.0" encoding="UTF-8"?>\n${element(`${name}Response`, content, ` xmlns="${namespaces[api]}"`)}`;
}

function errorDocument(api: Api, { code, message, status }: ApiError): string {
  const head = '<?xml version="1.0" encoding="UTF-8"?>\n';
  const id = randomUUID();
  if (api === 'ec2') return head + element('Response', { Errors: { Error: { Code: code, Message: message } }, RequestID: id });
  const type = status < 500 ? 'Sender' : 'Receiver';
  return (
    head + element('ErrorResponse', { Error: { Type: type, Code: code, Message: message }, RequestId: id }, ` xmlns="${namespaces.sts}"`)
  );
}

import type { Call } from './call.js';
import { ApiError } from './errors.js';
import { isBody } from './json.js';
import { linkTo } from './links.js';

/** One page of a list: what is asked for, and where the next one begins. */
interface Page {
  readonly items: readonly object[];
  readonly nextPageToken: string | undefined;
}

/** The things that a request's filter lets through, page by page. */
function pageOf(call: Call, all: readonly object[]): Page {
  const filter = call.query.get('filter');
  const passes = filter === null || filter === '' ? () => true : parseFilter(filter);
  const matching = all.filter((one) => passes(one));
  const asked = Number(call.query.get('maxResults') ?? call.settings.pageSize);
  if (!Number.isInteger(asked) || asked < 0) throw new ApiError(400, 'invalid', `Invalid value for field 'maxResults': '${asked}'`);
  const size = Math.min(asked === 0 ? 500 : asked, call.settings.pageSize);
  const from = fromToken(call.query.get('pageToken'));
  const to = from + size;
  const nextPageToken = to < matching.length ? Buffer.from(String(to)).toString('base64url') : undefined;
  return { items: matching.slice(from, to), nextPageToken };
}

/** A list as answers have it. */
export function listAnswer(call: Call, kind: string, path: string, all: readonly object[]): object {
  const { items, nextPageToken } = pageOf(call, all);
  return {
    kind: `compute#${kind}`,
    id: path,
    ...(items.length === 0 ? {} : { items }),
    ...(nextPageToken === undefined ? {} : { nextPageToken }),
    selfLink: linkTo(path),
  };
}

/** A list over all zones, in which each says for itself what it has, that it has nothing, or that it could not be asked. */
export function aggregated(
  call: Call,
  kind: string,
  plural: string,
  all: readonly { readonly zone: string; readonly shown: object }[],
): object {
  const { settings, world } = call;
  const reachable = all.filter(({ zone }) => !settings.unreachableZones.includes(zone));
  const { items, nextPageToken } = pageOf(
    call,
    reachable.map(({ shown }) => shown),
  );
  const scopes = world.zones.map((zone) => {
    const here = reachable.filter((one) => one.zone === zone && items.includes(one.shown)).map(({ shown }) => shown);
    const lost = settings.unreachableZones.includes(zone);
    const data = [{ key: 'scope', value: `zones/${zone}` }];
    const warning = lost
      ? { code: 'UNREACHABLE', message: 'The zone could not be reached.', data }
      : { code: 'NO_RESULTS_ON_PAGE', message: 'There are no results for scope on this page.', data };
    return [`zones/${zone}`, here.length > 0 ? { [plural]: here } : { warning }] as const;
  });
  const path = `projects/${world.project}/aggregated/${plural}`;
  const unreachables = settings.unreachableZones.map((zone) => linkTo(`projects/${world.project}/zones/${zone}`));
  return {
    kind: `compute#${kind}AggregatedList`,
    id: path,
    items: Object.fromEntries(scopes),
    ...(nextPageToken === undefined ? {} : { nextPageToken }),
    ...(unreachables.length === 0 ? {} : { unreachables }),
    selfLink: linkTo(path),
  };
}

function fromToken(token: string | null): number {
  if (token === null || token === '') return 0;
  const from = Number(Buffer.from(token, 'base64url').toString());
  if (!Number.isInteger(from) || from < 1) throw new ApiError(400, 'invalid', `Invalid value for field 'pageToken': '${token}'`);
  return from;
}

const term = /^([\w.-]+)\s*(!=|=|:|\beq\b|\bne\b)\s*(?:"([^"]*)"|(\S+))$/;

/** Terms joined by AND, or standing beside each other in parentheses; that is all that anybody here asks for. */
function parseFilter(filter: string): (thing: object) => boolean {
  const terms = filter
    .replace(/\)\s*(?:AND\s*)?\(/g, '\0')
    .split(/\0|\s+AND\s+/)
    .map((one) =>
      one
        .trim()
        .replace(/^\((.*)\)$/, '$1')
        .replace(/^\(|\)$/g, ''),
    );
  const tests = terms.map((one) => {
    const [, field = '', operator = '', quoted, plain] = term.exec(one.trim()) ?? [];
    const wanted = quoted ?? plain ?? '';
    if (field === '') throw new ApiError(400, 'invalid', `Invalid value for field 'filter': '${filter}'. Invalid list filter expression.`);
    return (thing: object) => compare(valueAt(thing, field), operator, wanted);
  });
  return (thing) => tests.every((passes) => passes(thing));
}

function compare(value: unknown, operator: string, wanted: string): boolean {
  const text = value === undefined ? undefined : String(value as string);
  if (operator === '=') return text === wanted;
  if (operator === '!=') return text !== wanted;
  if (operator === ':') return text !== undefined && (wanted === '*' || text.includes(wanted));
  const matches = text !== undefined && new RegExp(`^(?:${wanted})$`).test(text);
  return operator === 'eq' ? matches : !matches;
}

function valueAt(thing: object, field: string): unknown {
  let at: unknown = thing;
  for (const name of field.split('.')) at = isBody(at) ? at[name] : undefined;
  return at;
}

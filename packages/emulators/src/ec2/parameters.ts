import { ApiError } from './errors.js';

/** A request's parameters by their names on the wire, such as `Filter.1.Value.2`. */
export type Parameters = ReadonlyMap<string, string>;

/** Parameters that every call takes. */
const always = new Set(['Action', 'Version', 'DryRun']);

/** The parameters of a form-encoded body. Some clients send empty ones for what was not given; only a value may be empty. */
export function parseForm(body: string): Parameters {
  return new Map([...new URLSearchParams(body)].filter(([name, value]) => value !== '' || /\.Value(\.\d+)?$/.test(name)));
}

/** Refuses parameters that would have no effect here: a client would think that they had. */
export function refuseIgnored(parameters: Parameters, known: readonly string[]): void {
  for (const name of parameters.keys()) {
    const [first = ''] = name.split('.');
    if (!always.has(first) && !known.includes(first)) {
      throw new ApiError('UnsupportedOperation', `The emulator does nothing with the parameter ${first}`);
    }
  }
}

/** A parameter that must be there and not be empty. */
export function required(parameters: Parameters, name: string): string {
  const value = parameters.get(name);
  if (value === undefined || value === '') {
    throw new ApiError('MissingParameter', `The request must contain the parameter ${name}`);
  }
  return value;
}

/** A parameter that is `true` or `false`. */
export function flag(parameters: Parameters, name: string): boolean | undefined {
  const value = parameters.get(name);
  if (value === undefined) return undefined;
  if (value !== 'true' && value !== 'false') throw invalid(name, value, 'a boolean');
  return value === 'true';
}

/** A parameter that is a whole number. */
export function count(parameters: Parameters, name: string): number | undefined {
  const value = parameters.get(name);
  if (value === undefined) return undefined;
  if (!/^\d{1,9}$/.test(value)) throw invalid(name, value, 'a whole number');
  return Number(value);
}

/** The values of a list: `Name.1`, `Name.2` and so on. */
export function list(parameters: Parameters, name: string): readonly string[] {
  return [...parameters]
    .flatMap(([key, value]) => {
      const index = new RegExp(`^${name}\\.(\\d{1,4})$`).exec(key)?.[1];
      return index === undefined ? [] : [{ index: Number(index), value }];
    })
    .sort((a, b) => a.index - b.index)
    .map(({ value }) => value);
}

/** What stands below a name. */
export function within(parameters: Parameters, name: string): Parameters {
  return new Map([...parameters].flatMap(([key, value]) => (key.startsWith(`${name}.`) ? [[key.slice(name.length + 1), value]] : [])));
}

/** The members of a list of structures: what stands below `Name.1`, `Name.2` and so on. */
export function structures(parameters: Parameters, name: string): readonly Parameters[] {
  const below = within(parameters, name);
  const indexes = new Set([...below.keys()].map((key) => Number(key.split('.')[0])));
  return [...indexes].sort((a, b) => a - b).map((index) => within(below, String(index)));
}

/** The tags of a request for resources of this type. */
export function tagsFor(parameters: Parameters, type: string): Map<string, string> {
  const ofType = structures(parameters, 'TagSpecification').filter((one) => one.get('ResourceType') === type);
  return new Map(ofType.flatMap((one) => tagsOf(one)));
}

/** Tags as key and value. */
export function tagsOf(parameters: Parameters): (readonly [string, string])[] {
  return structures(parameters, 'Tag').map((tag) => {
    const key = required(tag, 'Key');
    if (key.startsWith('aws:')) throw new ApiError('InvalidParameterValue', 'Tag keys starting with "aws:" are reserved for internal use');
    if (key.length > 128 || (tag.get('Value') ?? '').length > 256) throw new ApiError('InvalidParameterValue', `Tag '${key}' is too long`);
    return [key, tag.get('Value') ?? ''] as const;
  });
}

function invalid(name: string, value: string, what: string): ApiError {
  return new ApiError('InvalidParameterValue', `Value (${value}) for parameter ${name} is invalid: it is not ${what}`);
}

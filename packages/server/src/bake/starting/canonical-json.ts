import canonicalize from 'canonicalize';

// The package is CommonJS whose declarations describe an ES module: what Node imports is the function itself.
const serialize = canonicalize as unknown as (value: unknown) => string | undefined;

/** A value as RFC 8785 canonical JSON. */
export function canonicalJson(value: unknown): string {
  const text = serialize(value);
  if (text === undefined) throw new TypeError('this value has no JSON form');
  return text;
}

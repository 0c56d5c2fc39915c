// The grammar of https://github.com/distribution/reference, the one Docker and containerd read references with.
const component = '(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])';
const host = `(?:${component}(?:\\.${component})*|\\[[a-fA-F0-9:]+\\])`;
const domain = `${host}(?::[0-9]+)?`;
const pathComponent = '[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*';
const name = `(?:${domain}/)?${pathComponent}(?:/${pathComponent})*`;
const tag = '[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}';
const digest = '[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}';
const reference = new RegExp(`^(${name})(?::${tag})?(?:@(${digest}))?$`);

const maxNameLength = 255;
const registeredDigests: ReadonlyMap<string, RegExp> = new Map([
  ['sha256', /^[a-f0-9]{64}$/],
  ['sha384', /^[a-f0-9]{96}$/],
  ['sha512', /^[a-f0-9]{128}$/],
]);

/** Whether a text is an OCI image reference: a name with an optional tag and an optional digest. */
export function isImageReference(text: string): boolean {
  const match = reference.exec(text);
  if (match === null || (match[1] ?? '').length > maxNameLength) return false;
  const [algorithm = '', hex = ''] = (match[2] ?? '').split(':');
  return registeredDigests.get(algorithm)?.test(hex) ?? true;
}

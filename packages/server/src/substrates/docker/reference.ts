/** An image in a registry, by a reference of which everything is spelled out. */
export interface RegistryReference {
  /** The registry's host, with its port if it has one; `docker.io` where the reference names none. */
  readonly host: string;
  /** Host and path, without tag and digest. */
  readonly name: string;
  /** What stands after the name; a digest counts where both do. */
  readonly version: { readonly digest: string } | { readonly tag: string };
}

/** Docker Hub is meant where no host is named. */
const hub = 'docker.io';

/** Reads a reference that follows the OCI grammar, as the engine does: `debian` is `docker.io/library/debian:latest`. */
export function readReference(text: string): RegistryReference {
  const [named = '', digest] = text.split('@');
  const colon = named.lastIndexOf(':');
  const tagged = colon > named.lastIndexOf('/');
  const bare = tagged ? named.slice(0, colon) : named;
  const tag = tagged ? named.slice(colon + 1) : 'latest';
  const name = fullName(bare);
  const host = name.slice(0, name.indexOf('/'));
  return { host, name, version: digest === undefined ? { tag } : { digest } };
}

function fullName(name: string): string {
  const slash = name.indexOf('/');
  if (slash === -1) return `${hub}/library/${name}`;
  const first = name.slice(0, slash);
  if (first === hub || first === 'index.docker.io') {
    const path = name.slice(slash + 1);
    return `${hub}/${path.includes('/') ? path : `library/${path}`}`;
  }
  return /[.:]|^localhost$|[A-Z]/.test(first) ? name : `${hub}/${name}`;
}

import { isMapping, MurmurError } from '@murmur/api';

/** A credential as the engine takes it with a request. */
export interface RegistryCredential {
  readonly username: string;
  readonly password: string;
  readonly serveraddress: string;
}

/** How Docker's own configuration calls Docker Hub. */
const hubAddress = 'https://index.docker.io/v1/';

/**
 * The credential for a registry's host out of a secret's value: `user:password`, or a Docker configuration as `docker login`
 * writes it, `{"auths": {"<host>": {"auth": …}}}`. Throws FAILED_PRECONDITION, which never shows the value, when it is neither.
 */
export function credentialIn(value: string, host: string, secret: string): RegistryCredential {
  const text = value.trim();
  const login = text.startsWith('{') ? loginFor(text, host, secret) : text;
  const colon = login.indexOf(':');
  if (colon < 1 || colon === login.length - 1) {
    throw new MurmurError('FAILED_PRECONDITION', `secret "${secret}" is no registry credential`, {
      hint: 'Store it as user:password, or as the Docker configuration that "docker login" writes.',
    });
  }
  const serveraddress = host === 'docker.io' ? hubAddress : host;
  return { username: login.slice(0, colon), password: login.slice(colon + 1), serveraddress };
}

function loginFor(text: string, host: string, secret: string): string {
  const auths = isMapping(parsed(text)) ? (parsed(text) as Record<string, unknown>)['auths'] : undefined;
  if (!isMapping(auths)) return '';
  const names = host === 'docker.io' ? [hubAddress, 'docker.io', 'index.docker.io'] : [host, `https://${host}`, `http://${host}`];
  const entry = names.map((name) => auths[name]).find(isMapping);
  if (entry === undefined) {
    throw new MurmurError('FAILED_PRECONDITION', `secret "${secret}" has no credential for ${host}`, {
      hint: `Log in with "docker login ${host}" and store the configuration that it writes.`,
    });
  }
  if (typeof entry['auth'] === 'string') return Buffer.from(entry['auth'], 'base64').toString();
  const { password, username } = entry;
  return typeof username === 'string' && typeof password === 'string' ? `${username}:${password}` : '';
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // What the parser says would quote the value.
    return undefined;
  }
}

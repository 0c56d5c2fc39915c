import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';

import { MurmurError } from '@murmur/api';

import { isGone } from '../host/process-start.js';

/** The Debian release that base images are made of. */
export const suite = 'bookworm';

const fallback = { main: 'http://deb.debian.org/debian', security: 'http://deb.debian.org/debian-security' };

/** Where the base's packages come from. */
export interface AptSources {
  /** Lines for apt, without credentials: they stay in the image. */
  readonly lines: readonly string[];
  /** What `apt_auth.conf(5)` says to mirrors that want a name and a password; empty where none does. A secret. */
  readonly auth: string;
}

/** The mirrors that this host's own apt uses for Debian, or Debian's. */
export async function aptSources(folder = '/etc/apt'): Promise<AptSources> {
  const found = mirrorsIn(await sourceTexts(folder));
  const main = withoutCredentials(found.main ?? fallback.main);
  const security = withoutCredentials(found.security ?? fallback.security);
  return {
    lines: [`deb ${main.uri} ${suite} main`, `deb ${main.uri} ${suite}-updates main`, `deb ${security.uri} ${suite}-security main`],
    auth: [...new Set([main.auth, security.auth])].join(''),
  };
}

function withoutCredentials(address: string): { readonly uri: string; readonly auth: string } {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (url === undefined || (url.username === '' && url.password === '')) return { uri: address, auth: '' };
  const [login, password] = [decodeURIComponent(url.username), decodeURIComponent(url.password)];
  url.username = '';
  url.password = '';
  if (/\s/.test(login + password) || login === '' || password === '') {
    throw new MurmurError('FAILED_PRECONDITION', `the credentials of the apt mirror ${url.href} cannot be handed to apt`, {
      hint: 'Name and password must be there and hold no white space.',
    });
  }
  return { uri: url.href, auth: `machine ${url.href} login ${login} password ${password}\n` };
}

/** The mirrors named in the texts of `sources.list` or deb822 files for this release and its security updates. */
export function mirrorsIn(texts: readonly string[]): { main?: string; security?: string } {
  const entries = texts.flatMap((text) => [...lineEntries(text), ...stanzaEntries(text)]);
  const main = entries.find((entry) => entry.suites.includes(suite))?.uri;
  const security = entries.find((entry) => entry.suites.includes(`${suite}-security`))?.uri;
  return { ...(main === undefined ? {} : { main }), ...(security === undefined ? {} : { security }) };
}

interface SourceEntry {
  readonly uri: string;
  readonly suites: readonly string[];
}

function lineEntries(text: string): SourceEntry[] {
  return [...text.matchAll(/^deb\s+(?:\[[^\]]*\]\s+)?(https?:\S+)\s+(\S+)\s+.*\bmain\b/gm)].flatMap(([, uri, name]) =>
    uri === undefined || name === undefined ? [] : [{ uri, suites: [name] }],
  );
}

function stanzaEntries(text: string): SourceEntry[] {
  return text.split(/\n\s*\n/).flatMap((stanza) => {
    const field = (name: string) => new RegExp(`^${name}:\\s*(.+)$`, 'mi').exec(stanza)?.[1]?.trim().split(/\s+/) ?? [];
    const uri = field('URIs').find((one) => one.startsWith('http'));
    const usable = uri !== undefined && field('Types').includes('deb') && field('Components').includes('main');
    return usable ? [{ uri, suites: field('Suites') }] : [];
  });
}

async function sourceTexts(folder: string): Promise<string[]> {
  const parts = path.join(folder, 'sources.list.d');
  const names = await orEmpty(readdir(parts), [] as string[]);
  const files = [path.join(folder, 'sources.list'), ...names.map((name) => path.join(parts, name))];
  return Promise.all(files.map((file) => orEmpty(readFile(file, 'utf8'), '')));
}

async function orEmpty<T>(reading: Promise<T>, empty: T): Promise<T> {
  try {
    return await reading;
  } catch (error) {
    if (isGone(error)) return empty;
    throw error;
  }
}

import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { extname, join } from 'node:path';

/** What a file is sent as. */
const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
  '.txt': 'text/plain; charset=utf-8',
};

/** How a file is sent to clients that take it compressed; the first one is the smallest. */
export const encodings = [
  ['br', '.br'],
  ['gzip', '.gz'],
] as const;

/** A file of the dashboard, with the copies of it that were compressed when it was built. */
export interface SiteFile {
  readonly type: string;
  readonly etag: string;
  /** Its name says which content it has. */
  readonly isHashed: boolean;
  readonly plain: Buffer;
  readonly compressed: ReadonlyMap<string, Buffer>;
}

/** The files of the built dashboard by their path, such as `/index.html`; none where it is not built. */
export async function readSite(folder: string): Promise<ReadonlyMap<string, SiteFile>> {
  const names = await namesIn(folder);
  const known = new Set(names);
  const files = new Map<string, SiteFile>();
  for (const name of names) {
    const type = types[extname(name)];
    if (type === undefined) continue;
    const plain = await readFile(join(folder, name));
    const compressed = new Map<string, Buffer>();
    for (const [encoding, ending] of encodings) {
      if (known.has(`${name}${ending}`)) compressed.set(encoding, await readFile(join(folder, `${name}${ending}`)));
    }
    const etag = createHash('sha256').update(plain).digest('base64url').slice(0, 22);
    files.set(`/${name}`, { type, etag, isHashed: name.startsWith('assets/'), plain, compressed });
  }
  return files;
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    const entries = await readdir(folder, { recursive: true, withFileTypes: true });
    return entries
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(folder.length).replaceAll('\\', '/').replace(/^\//, ''));
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw error;
  }
}

import { mkdir, open, readFile, rename } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { parseDocument } from 'yaml';

import { configFolder, findConfigFolder, type LocalConfig } from './config-files.js';

/**
 * Writes a key, and a server if one is given, into the nearest `.murmur/murmur.local.yaml` (made here when there is
 * none) and answers the file. Other settings in it stay; nobody else can read it.
 */
export async function storeLogin(cwd: string, login: LocalConfig & { readonly apiKey: string }): Promise<string> {
  const folder = (await findConfigFolder(cwd)) ?? join(resolve(cwd), configFolder);
  await mkdir(folder, { recursive: true });
  const file = join(folder, 'murmur.local.yaml');
  const before = await readFile(file, 'utf8').catch(() => '');
  const document = parseDocument(before);
  if (login.server !== undefined) document.set('server', login.server);
  document.set('api_key', login.apiKey);
  const draft = `${file}.${process.pid}.new`;
  const handle = await open(draft, 'wx', 0o600);
  try {
    await handle.writeFile(document.toString());
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(draft, file);
  return file;
}

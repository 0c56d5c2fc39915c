import { mkdir, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { type Document, parseDocument } from 'yaml';

import { configFolder, findConfigFolder, type LocalConfig } from './config-files.js';
import { serverOrigin } from './settings.js';
import { writePrivateFile } from './write-private-file.js';

/**
 * Writes a key, and a server if one is given, into the nearest `.murmur/murmur.local.yaml` (made here when there is
 * none) and answers the file. Other settings in it stay; nobody else can read it.
 */
export async function storeLogin(cwd: string, login: LocalConfig & { readonly apiKey: string }): Promise<string> {
  const folder = (await findConfigFolder(cwd)) ?? join(resolve(cwd), configFolder);
  await mkdir(folder, { recursive: true });
  const file = localFileIn(folder);
  const document = await readLocalFile(file);
  if (login.server !== undefined) document.set('server', login.server);
  document.set('api_key', login.apiKey);
  await writeLocalFile(file, document);
  return file;
}

/** Takes the key out of the nearest `.murmur/murmur.local.yaml`, unless it is for another server. Answers the file if it did. */
export async function forgetKey(cwd: string, server: string): Promise<string | undefined> {
  const folder = await findConfigFolder(cwd);
  if (folder === undefined) return undefined;
  const file = localFileIn(folder);
  const document = await readLocalFile(file);
  const storedServer = document.get('server');
  if (!document.has('api_key') || (typeof storedServer === 'string' && serverOrigin(storedServer) !== server)) return undefined;
  document.delete('api_key');
  await writeLocalFile(file, document);
  return file;
}

function localFileIn(folder: string): string {
  return join(folder, 'murmur.local.yaml');
}

async function readLocalFile(file: string): Promise<Document> {
  return parseDocument(await readFile(file, 'utf8').catch(() => ''));
}

async function writeLocalFile(file: string, document: Document): Promise<void> {
  // An emptied mapping would be written as braces.
  const isEmpty = Object.keys((document.toJS() as object | null) ?? {}).length === 0;
  await writePrivateFile(file, isEmpty ? '' : document.toString());
}

import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { type Document, parseDocument } from 'yaml';

import { configFolder, findConfigFolder } from './config-files.js';
import { readOwnFile, requireOwnFolder } from './own-file.js';
import { defaultServer, serverOrigin } from './server-address.js';
import { writePrivateFile } from './write-private-file.js';

/**
 * Writes a key, and the server it belongs to, into the nearest `.murmur/murmur.local.yaml` (made here when there is none) and
 * answers the file. Other settings in it stay; nobody else can read it.
 */
export async function storeLogin(cwd: string, login: { readonly server: string; readonly apiKey: string }): Promise<string> {
  const folder = (await findConfigFolder(cwd)) ?? join(resolve(cwd), configFolder);
  await mkdir(folder, { recursive: true });
  await requireOwnFolder(folder);
  const file = localFileIn(folder);
  const document = await readLocalFile(file);
  document.set('server', login.server);
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
  const belongsTo = typeof storedServer === 'string' ? serverOrigin(storedServer) : defaultServer;
  if (!document.has('api_key') || belongsTo !== server) return undefined;
  document.delete('api_key');
  await writeLocalFile(file, document);
  return file;
}

function localFileIn(folder: string): string {
  return join(folder, 'murmur.local.yaml');
}

async function readLocalFile(file: string): Promise<Document> {
  return parseDocument((await readOwnFile(file)) ?? '');
}

async function writeLocalFile(file: string, document: Document): Promise<void> {
  // An emptied mapping would be written as braces.
  const isEmpty = Object.keys((document.toJS() as object | null) ?? {}).length === 0;
  await writePrivateFile(file, isEmpty ? '' : document.toString());
}

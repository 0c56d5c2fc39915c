#!/usr/bin/env node
// Exits 0 when node_modules holds what package-lock.json says, so that installing again would change nothing.
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const installed = join(root, 'node_modules/.package-lock.json');
if (!existsSync(installed)) process.exit(1);

const packagesOf = (path) => JSON.parse(readFileSync(path, 'utf8')).packages;
const wanted = packagesOf(join(root, 'package-lock.json'));
const present = packagesOf(installed);

const stale = Object.entries(wanted).filter(([path, { version, optional, link }]) => {
  if (path === '' || !path.includes('node_modules/')) return false;
  // What is for another platform is in the lock file and never on this machine.
  if (present[path] === undefined) return optional !== true;
  return link !== true && (present[path].version !== version || !existsSync(join(root, path)));
});
process.exit(stale.length === 0 ? 0 : 1);

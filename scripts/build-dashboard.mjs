// Builds the dashboard into packages/dashboard/dist/site, each file also compressed, unless nothing it is made of has changed.
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';

const root = fileURLToPath(new URL('../', import.meta.url));
const folder = join(root, 'packages/dashboard');
const site = join(folder, 'dist/site');
const stamp = join(folder, 'dist/built-from');

const inputs = [
  ...(await filesIn(join(folder, 'src'))),
  ...(await filesIn(join(folder, 'public'))),
  ...['index.html', 'package.json', 'vite.config.ts'].map((name) => join(folder, name)),
  ...(await filesIn(join(root, 'packages/api/dist'))).filter((file) => file.endsWith('.js')),
  join(root, 'packages/api/package.json'),
  join(root, 'package-lock.json'),
  fileURLToPath(import.meta.url),
];
const wanted = await digestOf(inputs);
const built = existsSync(stamp) && existsSync(join(site, 'index.html')) ? await readFile(stamp, 'utf8') : '';
if (built !== wanted) {
  await rm(stamp, { force: true });
  // Loaded only now: it takes longer to start than to see that there is nothing to do.
  const { build } = await import('vite');
  await build({ root: folder, logLevel: 'warn' });
  await Promise.all((await filesIn(site)).map(compress));
  await writeFile(stamp, wanted);
}

/**
 * @param {string} top
 * @returns {Promise<string[]>}
 */
async function filesIn(top) {
  const entries = await readdir(top, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

/** @param {readonly string[]} files */
async function digestOf(files) {
  const hash = createHash('sha256');
  for (const file of files) hash.update(`${file.slice(root.length)}\0`).update(await readFile(file));
  return hash.digest('hex');
}

/** @param {string} file */
async function compress(file) {
  // Fonts are compressed already.
  if (!['.html', '.js', '.css', '.svg'].includes(extname(file))) return;
  const content = await readFile(file);
  const params = { [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY };
  const copies = /** @type {const} */ ([
    ['.br', await promisify(brotliCompress)(content, { params })],
    ['.gz', await promisify(gzip)(content, { level: constants.Z_BEST_COMPRESSION })],
  ]);
  for (const [ending, copy] of copies) if (copy.length < content.length) await writeFile(`${file}${ending}`, copy);
}

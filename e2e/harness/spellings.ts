import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Every spelling of some secrets; of base64 what does not depend on the bytes around, at each of the three places to begin at. */
export function spellingsOf(values: readonly string[]): readonly string[] {
  const spelled = values.flatMap((value) => [
    value,
    Buffer.from(value).toString('hex'),
    Buffer.from(value).toString('hex').toUpperCase(),
    encodeURIComponent(value),
    JSON.stringify(value).slice(1, -1),
    ...[0, 1, 2].flatMap((offset) => {
      const base64 = Buffer.from(`${'x'.repeat(offset)}${value}`)
        .toString('base64')
        .slice(4, -4);
      return [base64, base64.replaceAll('+', '-').replaceAll('/', '_')];
    }),
  ]);
  return [...new Set(spelled)];
}

/** The spellings that some bytes hold. */
export function spelledIn(content: Buffer, spellings: readonly string[]): readonly string[] {
  return spellings.filter((spelling) => content.includes(spelling));
}

/** The files below a folder, which has a good number of them, that hold a secret, with how it is spelled there. */
export async function filesSpelling(folder: string, spellings: readonly string[], least = 100): Promise<readonly string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  if (files.length < least) throw new Error(`${folder} has only ${files.length} files`);
  return contentsSpelling(files, spellings);
}

/** The processes of this host that hold a secret in their arguments or their environment, with how it is spelled there. */
export async function processesSpelling(spellings: readonly string[]): Promise<readonly string[]> {
  const pids = (await readdir('/proc')).filter((entry) => /^\d+$/.test(entry));
  return contentsSpelling(
    pids.flatMap((pid) => [`/proc/${pid}/cmdline`, `/proc/${pid}/environ`]),
    spellings,
  );
}

async function contentsSpelling(files: readonly string[], spellings: readonly string[]): Promise<readonly string[]> {
  const found: string[] = [];
  for (const file of files) {
    const content = await contentOf(file);
    found.push(...spelledIn(content, spellings).map((spelling) => `${file}: ${spelling}`));
  }
  return found;
}

/** Empty for a file that was removed, and for a process that ended or is another user's, while we looked. */
async function contentOf(file: string): Promise<Buffer> {
  try {
    return await readFile(file);
  } catch (error) {
    const gone = ['ENOENT', 'ESRCH', 'EACCES'];
    if (error instanceof Error && 'code' in error && gone.includes(String(error.code))) return Buffer.alloc(0);
    throw error;
  }
}

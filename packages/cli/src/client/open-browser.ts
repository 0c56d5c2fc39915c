import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

/** How long a browser may take to read the file, in milliseconds. */
const readingMs = 10_000;

/** What opens a file in a browser here; undefined where nobody sits in front of a screen. */
export function browserOpener(env: Readonly<Record<string, string | undefined>>, platform = process.platform): string | undefined {
  if (platform === 'darwin') return 'open';
  return env['DISPLAY'] === undefined && env['WAYLAND_DISPLAY'] === undefined ? undefined : 'xdg-open';
}

/**
 * Opens an address in the browser; false when that does not work. By way of a file that only this user can read: the arguments
 * of a program can be read by everybody on the machine, and the address signs in.
 */
export async function openBrowser(opener: string, address: string, signal: AbortSignal): Promise<boolean> {
  const folder = await mkdtemp(join(tmpdir(), 'murmur-dashboard-'));
  try {
    const file = join(folder, 'open.html');
    await writeFile(
      file,
      `<!doctype html><meta charset="utf-8"><meta http-equiv="refresh" content="0;url=${address}"><title>Murmur</title>\n`,
      {
        mode: 0o600,
      },
    );
    const opened = await new Promise<boolean>((resolve) => {
      const child = spawn(opener, [file], { stdio: 'ignore', detached: true });
      child.once('error', () => resolve(false));
      child.once('spawn', () => {
        child.unref();
        resolve(true);
      });
    });
    if (opened) await delay(readingMs, undefined, { signal }).catch(() => undefined);
    return opened;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

import { rm, writeFile } from 'node:fs/promises';
import path from 'node:path';

/**
 * Writes beside the admin key where this server answers, one address a line, and answers how to take that back. Clients on this
 * machine send the key there and nowhere else, so the file goes before the port is free for another program.
 */
export async function writeAdminAddress(dataDir: string, url: string): Promise<() => Promise<void>> {
  const file = path.join(dataDir, 'admin.address');
  await rm(file, { force: true });
  await writeFile(
    file,
    clientAddresses(url)
      .map((address) => `${address}\n`)
      .join(''),
    { mode: 0o600, flag: 'wx' },
  );
  return () => rm(file, { force: true });
}

/** The addresses a client on this machine may call it by: a server that listens everywhere is reached on the loopback. */
function clientAddresses(url: string): string[] {
  const { protocol, hostname, port, origin } = new URL(url);
  const on = (host: string) => new URL(`${protocol}//${host}:${port}`).origin;
  if (hostname === '0.0.0.0') return [on('127.0.0.1')];
  return hostname === '[::]' ? [on('127.0.0.1'), on('[::1]')] : [origin];
}

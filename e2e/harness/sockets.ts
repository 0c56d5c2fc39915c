import { readdir, readFile, readlink } from 'node:fs/promises';

const listening = '0A';

/** The addresses and ports at which these processes accept connections, as `/proc` writes them: hexadecimal. */
export async function listeningAddresses(pids: readonly number[]): Promise<readonly string[]> {
  const inodes = new Set((await Promise.all(pids.map(socketsOf))).flat());
  const tables = await Promise.all(['tcp', 'tcp6', 'udp', 'udp6'].map(async (name) => readFile(`/proc/net/${name}`, 'utf8')));
  return tables.flatMap((table) =>
    table
      .trim()
      .split('\n')
      .slice(1)
      .map((line) => line.trim().split(/\s+/))
      // A UDP socket never listens; one that is bound has no remote end.
      .filter(([, , remote, state]) => state === listening || (state === '07' && /^0+:0000$/.test(remote ?? '')))
      .filter((fields) => inodes.has(fields[9] ?? ''))
      .map((fields) => fields[1] ?? ''),
  );
}

/** Whether an address of {@link listeningAddresses} can be reached from this host alone. */
export function isLoopback(address: string): boolean {
  return /^(0100007F|00000000000000000000000001000000|0000000000000000FFFF00000100007F):/.test(address);
}

async function socketsOf(pid: number): Promise<readonly string[]> {
  const folder = `/proc/${pid}/fd`;
  const links = await Promise.all((await readdir(folder)).map((fd) => readlink(`${folder}/${fd}`).catch(gone)));
  return links.flatMap((link) => /^socket:\[(\d+)\]$/.exec(link)?.[1] ?? []);
}

/** A descriptor that was closed while we looked. */
function gone(error: unknown): string {
  if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return '';
  throw error;
}

#!/usr/bin/env node
// Says which process listens on a TCP port of this machine: `port-owner.mjs PORT`. Prints nothing when the port is free.
// Reads /proc, because a small Debian has neither ss nor lsof.
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';

const wanted = Number(process.argv[2]).toString(16).toUpperCase().padStart(4, '0');
const listening = '0A';

const inodes = ['/proc/net/tcp', '/proc/net/tcp6'].filter(existsSync).flatMap((table) =>
  readFileSync(table, 'utf8')
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
    .filter(([, local = '', , state]) => state === listening && local.endsWith(`:${wanted}`))
    .map((columns) => columns[9]),
);

if (inodes.length > 0) {
  const owner = readdirSync('/proc').find((pid) => /^\d+$/.test(pid) && holdsSocket(pid));
  if (owner === undefined) console.log('a process of another user');
  else console.log(`process ${owner}: ${readFileSync(`/proc/${owner}/cmdline`, 'utf8').split('\0').join(' ').trim().slice(0, 120)}`);
}

function holdsSocket(pid) {
  const folder = `/proc/${pid}/fd`;
  try {
    return readdirSync(folder).some((fd) => inodes.some((inode) => readlinkSync(`${folder}/${fd}`) === `socket:[${inode}]`));
  } catch (error) {
    // Processes end while this reads, and those of other users cannot be read.
    if (['ENOENT', 'EACCES', 'ESRCH', 'EPERM'].includes(error.code)) return false;
    throw error;
  }
}

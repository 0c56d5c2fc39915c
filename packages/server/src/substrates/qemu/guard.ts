import { readdir } from 'node:fs/promises';

import type { Logger } from 'pino';

import { removeTable, tablesThere } from '../guest-firewall.js';
import type { Token } from '../substrate.js';
import type { Isolation } from './isolation.js';
import { machineFolder, type Layout } from './layout.js';
import { findQemu } from './machine-process.js';
import { readMachine } from './machine-record.js';

/**
 * Puts the firewall's tables of running machines back that something else on the host has taken away, such as a reload that
 * flushes all rules: without its table a machine reaches whatever the host does.
 */
export async function guardMachines(layout: Layout, isolation: Isolation, log: Logger): Promise<void> {
  const closed = new Map<string, Token>();
  for (const name of await readdir(layout.machines)) {
    const token = name as Token;
    const table = (await readMachine(layout, token))?.isolation?.table;
    if (table !== undefined) closed.set(table, token);
  }
  if (closed.size === 0) return;
  const there = await tablesThere();
  for (const [table, token] of closed) {
    if (there.has(table) || !(await isUp(layout, token))) continue;
    await isolation.restore((await readMachine(layout, token))?.isolation ?? {});
    // It may have ended meanwhile, and its table was removed before it was put back.
    if (!(await isUp(layout, token))) await removeTable(table);
    else log.warn({ machine: token, table }, 'the firewall had lost the table that keeps this machine from the host’s network; it is back');
  }
}

async function isUp(layout: Layout, token: Token): Promise<boolean> {
  return (await findQemu(machineFolder(layout, token))) !== undefined;
}

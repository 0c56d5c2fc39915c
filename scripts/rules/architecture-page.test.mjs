import { readdirSync, readFileSync } from 'node:fs';

import { expect, test } from 'vitest';

const server = new URL('../../packages/server/src/', import.meta.url);
const page = readFileSync(new URL('../../docs/architecture.md', import.meta.url), 'utf8');
const foldersIn = (folder) =>
  readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => `${name}/`);

test('the architecture page names every room and the folders in it', () => {
  const rooms = foldersIn(server);
  const inner = rooms.flatMap((room) => foldersIn(new URL(room, server)).map((folder) => `${room}${folder}`));
  expect(rooms.length).toBeGreaterThan(5);
  expect([...rooms, ...inner].filter((folder) => !page.includes(`\`${folder}\``))).toEqual([]);
});

test('the architecture page names no folder that is gone', () => {
  const named = [...page.matchAll(/^\| `([a-z-]+\/(?:[a-z-]+\/)?)`/gm)].map(([, folder]) => folder);
  const rooms = foldersIn(server);
  const all = [...rooms, ...rooms.flatMap((room) => foldersIn(new URL(room, server)).map((folder) => `${room}${folder}`))];
  expect(named.filter((folder) => !all.includes(folder))).toEqual([]);
});

test('the architecture page names every table', () => {
  const source = readFileSync(new URL('database/tables.ts', server), 'utf8');
  const tables = [.../export interface Tables \{([^]*?)\n\}/.exec(source)[1].matchAll(/^ {2}(\w+): \{/gm)].map(([, name]) => name);
  expect(tables.length).toBeGreaterThan(20);
  expect(tables.filter((table) => !page.includes(`\`${table}\``))).toEqual([]);
});

test('the architecture page lists the steps in their order', () => {
  const source = readFileSync(new URL('bake/workflow/bake.ts', server), 'utf8');
  const steps = /bakeSteps[^=]*= \[([^\]]*)\]/.exec(source)[1].split(', ');
  const rows = [...page.matchAll(/^ {3}\| `([a-z-]+)`/gm)].map(([, name]) => name);
  expect(rows.map((name) => name.replaceAll(/-(.)/g, (_, letter) => letter.toUpperCase()))).toEqual(steps);
});

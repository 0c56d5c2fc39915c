#!/usr/bin/env node
// How far one `murmur bake` goes through the server, from the request to the row of its run: the files of packages/server of which
// a function was called, and what was asked of the database. Needs a build, and QEMU for the tiny disk. `--files` and `--statements`
// list them. What goes on beside it, such as the reconcile loops, is left out: a file counts when a function of it that nobody calls
// while nothing is asked was called for each of several bakes.
import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { Session } from 'node:inspector';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';

import { create } from '@bufbuild/protobuf';
import { Architecture, ImageSchema } from '@murmur/api';

import { writePlatformImage } from '../packages/server/dist/catalog/builtins.js';
import { connect } from '../packages/server/dist/database/pool.js';
import { connectToServerOf } from '../packages/server/dist/database/testing-connection.js';
import { runServer } from '../packages/server/dist/main.js';
import { buildTinyBase } from '../packages/server/dist/substrates/qemu/tiny.js';

const { values } = parseArgs({ options: { files: { type: 'boolean' }, statements: { type: 'boolean' } } });
const rounds = 7;

const session = new Session();
session.connect();
const post = (method, parameters) => {
  let answer;
  let failure;
  // Within one process the answer is there before the call returns.
  session.post(method, parameters, (error, result) => {
    failure = error;
    answer = result;
  });
  if (failure !== null) throw new Error(failure.message);
  return answer;
};

/** Told of what is asked of the database, and over which connection. */
let heard;
// Before the server makes any connection: each keeps what it has then.
const unused = connect('postgres://nobody@localhost/none');
listenTo(unused.pool.Client.prototype);
await unused.close();

const dataDir = await mkdtemp(join(tmpdir(), 'murmur-walk-'));
// No machine is ever let in, so that none does anything beside the walk.
await writeFile(join(dataDir, 'server.yaml'), 'limits:\n  disk_floor: 99999 GiB\n');
const stopping = new AbortController();
let url = '';
const ready = deferred();
const server = runServer({
  listen: '127.0.0.1:0',
  dataDir,
  signal: stopping.signal,
  stdout: {
    write(text) {
      url = /listening on (?<url>\S+)/.exec(text)?.groups?.url ?? url;
      ready.resolve();
    },
  },
});
try {
  await Promise.race([ready.promise, server]);
  const key = (await readFile(join(dataDir, 'admin.key'), 'utf8')).trim();
  const call = async (name, body) => {
    const response = await fetch(`${url}/murmur.api.v1.MurmurService/${name}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    if (!response.ok) throw new Error(`${name}: ${await response.text()}`);
    return response.json();
  };
  await registerBase();
  for (let round = 0; round <= rounds; round += 1) {
    const script = `#!/bin/sh\n# ${randomBytes(8).toString('hex')}\ntrue\n`;
    const document = {
      name: `r${round}`,
      base_image_qemu_ref: 'murmur-tiny-base',
      provisioning_script: script,
      provisioning_timeout: '1m',
    };
    await call('SetResource', { kind: 'recipe', name: `r${round}`, document: JSON.stringify(document) });
  }
  const idle = await idling();
  const walks = [];
  for (let round = 0; round <= rounds; round += 1) {
    const walk = await measure(() =>
      call('StartBake', { recipe: `r${round}`, environment: 'murmur-qemu-small', placement: 'murmur-qemu-local' }),
    );
    // The first one also opens connections and fills caches.
    if (round > 0) walks.push(walk);
  }
  const files = [
    ...new Set(
      common(walks.map((walk) => walk.calls))
        .filter((call) => !idle.has(call))
        .map((call) => call.split(' ')[0]),
    ),
  ].toSorted((a, b) => (a < b ? -1 : 1));
  const statements = common(walks.map((walk) => walk.statements));
  if (values.files) for (const file of files) console.log(file);
  if (values.statements) for (const text of statements) console.log(text);
  const rooms = grouped(files, roomOf);
  console.log(
    `${files.length} files (${[...rooms].map(([room, own]) => `${room} ${own.length}`).join(', ')}), ${statements.length} statements`,
  );
} finally {
  stopping.abort();
  await server;
  await rm(dataDir, { recursive: true, force: true });
}

/** What is called while nobody asks for anything. */
async function idling() {
  startCounting();
  await delay(5000);
  return new Set(functionsCalled());
}

function startCounting() {
  post('Profiler.enable');
  post('Profiler.startPreciseCoverage', { callCount: true, detailed: false });
  functionsCalled();
}

/** The functions walked and the statements made from when the work begins to when the run's row is committed. */
async function measure(work) {
  let calls;
  let holder;
  const statements = [];
  heard = (text, client) => {
    if (calls !== undefined) return;
    statements.push(text.replaceAll(/\s+/g, ' ').trim());
    if (text.startsWith('insert into "runs"')) holder = client;
    if (client === holder && /^commit/i.test(text)) calls = functionsCalled();
  };
  startCounting();
  await work();
  heard = undefined;
  post('Profiler.stopPreciseCoverage');
  if (calls === undefined) throw new Error('the bake came to no row');
  return { calls, statements };
}

/** What each of the lists has, as often as the one that has it least, in the order of the first. */
function common([first, ...others]) {
  const left = others.map((list) => [...list]);
  return first.filter((item) => {
    const at = left.map((list) => list.indexOf(item));
    if (at.includes(-1)) return false;
    for (const [index, list] of left.entries()) list.splice(at[index], 1);
    return true;
  });
}

function grouped(items, keyOf) {
  const groups = new Map();
  for (const item of items) groups.set(keyOf(item), [...(groups.get(keyOf(item)) ?? []), item]);
  return groups;
}

function roomOf(file) {
  const [room, inner] = file.split('/');
  return room === 'bake' ? `${room}/${inner}` : room;
}

/** The functions in the server's own files that were called since the last time this was asked, each as its file and place. */
function functionsCalled() {
  const { result } = post('Profiler.takePreciseCoverage');
  return result
    .filter(({ url: file }) => file.includes('/packages/server/dist/'))
    .flatMap(({ functions, url: file }) =>
      functions
        .filter(isCalled)
        .map(({ ranges: [{ startOffset }] }) => `${file.slice(file.indexOf('/dist/') + '/dist/'.length)} ${startOffset}`),
    );
}

/** Not the file's own first run. */
function isCalled({ functionName, ranges: [range] }) {
  return range.count > 0 && (functionName !== '' || range.startOffset > 0);
}

async function registerBase() {
  const diskDigest = await buildTinyBase({ dataDir, runtimeDir: dataDir });
  const connection = await connectToServerOf(dataDir);
  const source = { case: 'qemu', value: { diskDigest } };
  await writePlatformImage(
    connection.database,
    create(ImageSchema, { name: 'murmur-tiny-base', architecture: Architecture.AMD64, source }),
  );
  await connection.close();
}

/** From now on, whatever any connection of this process asks is heard. */
function listenTo(own) {
  let client = own;
  while (!Object.hasOwn(client, 'query')) client = Object.getPrototypeOf(client);
  const { query } = client;
  client.query = function heardQuery(...args) {
    const text = typeof args[0] === 'string' ? args[0] : (args[0]?.text ?? '');
    heard?.(text, this);
    return Reflect.apply(query, this, args);
  };
}

function deferred() {
  let resolve;
  const promise = new Promise((resolved) => (resolve = resolved));
  return { promise, resolve };
}

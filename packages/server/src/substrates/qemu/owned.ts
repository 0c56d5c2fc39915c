import { readdir, rm, stat } from 'node:fs/promises';
import path from 'node:path';

import type { OwnedThing, Owner, Token } from '../substrate.js';
import { isBeingBuilt } from './builder-mark.js';
import { captureNotes, imageReference } from './capture-notes.js';
import { sweepTemporaryFiles } from '../../host/durable-files.js';
import { isMissing, readIfPresent } from './files.js';
import { placeSealedImage } from './images.js';
import { captureNote, makingFolder, type Digest, type Layout } from './layout.js';
import { removeMachine } from './launch.js';
import { readMachine } from './machine-record.js';
import { readManifestIn } from './manifest.js';

/** A folder just made gets its record within this time; before that nobody can say whose it is. */
const graceMs = 60_000;

/** Images that are made by this substrate itself, not captured for a bake. */
const ownBuilds = ['base', 'tiny-base'];

/** Every machine and half-made image of this installation. */
export async function listThings(layout: Layout, installation: string): Promise<readonly OwnedThing[]> {
  const things = [
    ...(await listMachines(layout, installation)),
    ...(await listHalfMade(layout, installation)),
    ...(await listCaptured(layout, installation)),
  ];
  return things.filter((thing) => thing.owner.installation === installation);
}

/** Removes the machine of this token and what was left of an image being made under it. */
export async function destroyThing(layout: Layout, token: Token): Promise<void> {
  await removeMachine(layout, token);
  await rm(makingFolder(layout, token), { recursive: true, force: true });
}

/** Puts a half-made image that is wanted in its place if it was sealed; one that was not is nothing anybody can want. */
export async function finishThing(layout: Layout, token: Token): Promise<void> {
  if (!(await placeSealedImage(layout, makingFolder(layout, token)))) await destroyThing(layout, token);
}

/** Removes what was left behind by a server, or a base build of it, that died in the middle of something. */
export async function removeAbandoned(layout: Layout): Promise<void> {
  const inside = [layout.machines, layout.images];
  const deeper = await Promise.all(inside.map(async (folder) => (await readdir(folder)).map((name) => path.join(folder, name))));
  for (const folder of [layout.dataDir, ...inside, ...deeper.flat()]) {
    if ((await stat(folder)).isDirectory()) await sweepTemporaryFiles(folder);
  }
  for (const name of await readdir(layout.exports)) await rm(path.join(layout.exports, name), { recursive: true, force: true });
  for (const token of ownBuilds) {
    const folder = makingFolder(layout, token);
    if (!(await isBeingBuilt(folder))) await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** The images that machines stand on. */
export async function machineBases(layout: Layout): Promise<ReadonlySet<Digest>> {
  const tokens = await readdir(layout.machines);
  const records = await Promise.all(tokens.map((token) => readMachine(layout, token as Token)));
  return new Set(records.flatMap((record) => (record === undefined ? [] : [record.base])));
}

async function listMachines(layout: Layout, installation: string): Promise<OwnedThing[]> {
  const things: OwnedThing[] = [];
  for (const name of await readdir(layout.machines)) {
    const token = name as Token;
    const record = await readMachine(layout, token);
    const createdAt = record?.createdAt ?? (await changedAt(path.join(layout.machines, name)));
    if (createdAt === undefined || (record === undefined && Date.now() - createdAt < graceMs)) continue;
    things.push({ type: 'machine', token, owner: record?.owner ?? unknownOwner(installation), createdAt, handle: { token } });
  }
  return things;
}

async function listHalfMade(layout: Layout, installation: string): Promise<OwnedThing[]> {
  const things: OwnedThing[] = [];
  for (const name of await readdir(layout.images)) {
    const token = /^\.making-([a-z0-9-]+)$/.exec(name)?.[1];
    const createdAt = token === undefined ? undefined : await changedAt(path.join(layout.images, name));
    if (token === undefined || createdAt === undefined || (await isBeingBuilt(path.join(layout.images, name)))) continue;
    const note = await readIfPresent(path.join(layout.images, name, 'note.json'));
    const { owner = unknownOwner(installation) } = JSON.parse(note ?? '{}') as { owner?: Owner };
    // Once sealed it may be an image that the catalog names, and then its digest tells.
    const sealed = await readManifestIn(path.join(layout.images, name));
    const handle = { making: token, ...(sealed === undefined ? {} : { diskDigest: sealed.disk.digest }) };
    things.push({ type: 'image', token: token as Token, owner, createdAt, handle });
  }
  return things;
}

/** Finished images that nobody has said to keep: the bake that captured one is still under way, or ended without it. */
async function listCaptured(layout: Layout, installation: string): Promise<OwnedThing[]> {
  const things: OwnedThing[] = [];
  for (const { digest, owner = unknownOwner(installation), token } of await captureNotes(layout)) {
    const createdAt = await changedAt(captureNote(layout, token));
    if (createdAt !== undefined) things.push({ type: 'image', token, owner, createdAt, handle: imageReference(layout, digest, token) });
  }
  return things;
}

/** The data directory is one installation's, so what lies in it without a name on it is that installation's too. */
function unknownOwner(installation: string): Owner {
  return { installation, tenant: '', runId: '' };
}

async function changedAt(folder: string): Promise<number | undefined> {
  try {
    return (await stat(folder)).mtimeMs;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

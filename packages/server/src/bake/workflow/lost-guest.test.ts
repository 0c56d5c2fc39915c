import { readdir, rename } from 'node:fs/promises';
import { join } from 'node:path';

import { afterAll, beforeAll, expect, test } from 'vitest';

import { findQemu } from '../../substrates/qemu/machine-process.js';
import { startTestBakery, type TestBakery } from '../testing.js';

const minutes = 60_000;

let kitchen: TestBakery;
beforeAll(async () => {
  kitchen = await startTestBakery();
});
afterAll(async () => {
  await kitchen[Symbol.asyncDispose]();
});

/** Follows a bake from the time its script begins to what is said of its first attempt, and cancels it then. */
async function firstAttempt(recipe: string, disturb?: (runId: string) => Promise<void>): Promise<{ ms: number; said: string }> {
  const { runId } = await kitchen.bake(recipe);
  await kitchen.reaches(runId, 'provisioning');
  const began = performance.now();
  let disturbed: Promise<void> | undefined;
  let ended: { ms: number; said: string } | undefined;
  const { bake, log } = await kitchen.follow(runId, (text) => {
    if (text.includes('begun')) disturbed ??= disturb?.(runId);
    const said = /^murmur: attempt 1 of 3 failed: (.*)$/m.exec(text)?.[1];
    if (said === undefined || ended !== undefined) return;
    ended = { ms: performance.now() - began, said };
    void kitchen.bakery.cancel(kitchen.caller, kitchen.cancelRequest(runId));
  });
  await disturbed;
  if (ended === undefined) throw new Error(`the first attempt did not end by itself: ${bake.error}\n${log}`);
  return ended;
}

test("a base image that is removed in mid-bake fails it in the host's words", { timeout: 5 * minutes }, async () => {
  const images = join(kitchen.dataDir, 'images');
  const [name = ''] = (await readdir(images)).filter((one) => one.startsWith('sha256-'));
  const digest = name.replace('-', ':');
  await kitchen.setRecipe('baseless', { script: '#!/bin/sh\necho begun\nsleep 2\n' });
  const { runId } = await kitchen.bake('baseless');
  let removed: Promise<void> | undefined;
  const { bake, log } = await kitchen.follow(runId, (text) => {
    if (text.includes('begun')) removed ??= rename(join(images, name), join(kitchen.dataDir, 'away'));
  });
  await removed;
  await rename(join(kitchen.dataDir, 'away'), join(images, name));
  expect(log).toContain(`murmur: attempt 1 of 3 failed: the disk ${digest} that the machine stands on is gone\n`);
  expect(bake).toMatchObject({ phase: 'failed', error: `the disk of the base image, ${digest}, is not on this host` });
  expect(await kitchen.leftovers()).toEqual([]);
});

test('a kernel that panics ends the attempt at once, in words that say so', { timeout: 5 * minutes }, async () => {
  await kitchen.setRecipe('panics', { script: '#!/bin/sh\necho c >/proc/sysrq-trigger\nsleep 600\n', timeout: '10m' });
  const { ms, said } = await firstAttempt('panics');
  expect(said).toBe("the machine's kernel panicked");
  expect(ms).toBeLessThan(2 * minutes);
});

// Waits out the minute that a guest is given: `MURMUR_FULL=sweep` with the timeout of the promise, and otherwise with a short one.
const timeoutSeconds = process.env['MURMUR_FULL'] === 'sweep' ? 30 : 3;

test('a machine that stands still ends its attempt a minute after its timeout', { timeout: 10 * minutes }, async () => {
  await kitchen.setRecipe('still', { script: '#!/bin/sh\necho begun\nsleep 600\n', timeout: `${timeoutSeconds}s` });
  const { ms } = await firstAttempt('still', async (runId) => {
    const qemu = await findQemu(join(kitchen.dataDir, 'machines', `${runId}-1-launch`));
    if (qemu === undefined) throw new Error('the machine runs');
    process.kill(qemu.pid, 'SIGSTOP');
  });
  // The sweep has the machine to itself; elsewhere others may keep this process from looking.
  expect(ms).toBeLessThan(timeoutSeconds * 1000 + (timeoutSeconds === 30 ? 1 : 1.5) * minutes);
});

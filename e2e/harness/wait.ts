import { setTimeout as delay } from 'node:timers/promises';

/** Polls until a probe gives something, and fails with what it waited for after the limit. */
export async function eventually<T>(what: string, probe: () => Promise<T | undefined>, limitMs = 120_000): Promise<T> {
  const end = Date.now() + limitMs;
  for (;;) {
    const found = await probe();
    if (found !== undefined) return found;
    if (Date.now() > end) throw new Error(`waited ${limitMs / 1000} s for ${what}`);
    await delay(100);
  }
}

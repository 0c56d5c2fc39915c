import { answeredWithin, type Substrate } from './substrate.js';

const minuteMs = 60_000;

/** How long each call of the port may take, in milliseconds: far longer than it does where nothing is wrong. */
const limitsMs = {
  resolveBase: minuteMs,
  launch: 20 * minuteMs,
  waitReady: 20 * minuteMs,
  channel: 5 * minuteMs,
  // Clouds take up to a day for an image.
  capture: 24 * 60 * minuteMs,
  imageExistsQuick: minuteMs,
  imageExistsThorough: 120 * minuteMs,
  keepImage: 5 * minuteMs,
  discardImage: 15 * minuteMs,
  destroy: 15 * minuteMs,
  listOwned: 5 * minuteMs,
} as const;

/** A substrate of which no call goes on for ever: one that does not end within its limit is a fault of the platform. */
export function withLimits<T extends Substrate>(substrate: T): T {
  const limited = <R>(call: string, limitMs: number, signal: AbortSignal, ask: (signal: AbortSignal) => Promise<R>) =>
    answeredWithin(limitMs, signal, ask, `${call} did not end within ${limitMs / minuteMs} minutes`);
  return {
    ...substrate,
    resolveBase: (site, image, rights, signal) =>
      limited('looking a base image up', limitsMs.resolveBase, signal, (until) => substrate.resolveBase(site, image, rights, until)),
    launch: (spec, token, signal) =>
      limited('launching a machine', limitsMs.launch, signal, (until) => substrate.launch(spec, token, until)),
    waitReady: (machine, keys, signal) =>
      limited('booting', limitsMs.waitReady, signal, (until) => substrate.waitReady(machine, keys, until)),
    channel: (machine, keys, signal) =>
      limited('reaching the machine', limitsMs.channel, signal, (until) => substrate.channel(machine, keys, until)),
    capture: (machine, keys, artifact, signal) =>
      limited('capturing', limitsMs.capture, signal, (until) => substrate.capture(machine, keys, artifact, until)),
    imageExists: (site, reference, check, signal) =>
      limited('looking at an image', check === 'quick' ? limitsMs.imageExistsQuick : limitsMs.imageExistsThorough, signal, (until) =>
        substrate.imageExists(site, reference, check, until),
      ),
    keepImage: (site, reference, signal) =>
      limited('keeping an image', limitsMs.keepImage, signal, (until) => substrate.keepImage(site, reference, until)),
    discardImage: (site, reference, signal) =>
      limited('removing an image', limitsMs.discardImage, signal, (until) => substrate.discardImage(site, reference, until)),
    destroy: (site, token, signal) =>
      limited('removing a machine', limitsMs.destroy, signal, (until) => substrate.destroy(site, token, until)),
    listOwned: (site, installation, signal) =>
      limited('listing', limitsMs.listOwned, signal, (until) => substrate.listOwned(site, installation, until)),
  };
}

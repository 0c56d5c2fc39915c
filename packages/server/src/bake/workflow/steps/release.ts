import { assertLease } from '../../runs/lease.js';
import type { BakeStep } from '../step.js';
import { launch } from './launch.js';

/** Removes the scratch machine, before the image is registered. */
export const release: BakeStep = {
  name: 'release',
  phase: 'registering',
  waitsFor: 'its machine to be removed',
  async run(state, context) {
    await assertLease(context.database, context.lease);
    await launch.undo?.(state, context);
    return {};
  },
};

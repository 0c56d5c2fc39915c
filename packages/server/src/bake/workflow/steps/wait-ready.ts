import { assertLease } from '../../runs/lease.js';
import { type BakeStep, machineOf } from '../step.js';

/** Waits until the guest has finished booting and answers. */
export const waitReady: BakeStep = {
  name: 'wait-ready',
  phase: 'launching',
  waitsFor: 'its machine to boot',
  async run(state, { database, keys, lease, signal, substrate }) {
    await assertLease(database, lease);
    await substrate.waitReady(machineOf(state), keys, signal);
    return {};
  },
};

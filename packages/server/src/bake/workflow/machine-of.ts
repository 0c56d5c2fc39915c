import type { Machine } from '../../substrates/substrate.js';
import type { BakeState } from './step.js';

/** The machine that an earlier step of this attempt launched. */
export function machineOf(state: BakeState): Machine {
  if (state.machine === undefined) throw new Error('a step that needs the machine came before launch');
  return state.machine;
}

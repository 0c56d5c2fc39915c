import { assertNotGoingDown, endedBySignal } from '../going-down.js';
import { guestSession } from '../guest-session.js';
import { assertLease } from '../../runs/lease.js';
import { openVariables } from '../../starting/run-inputs.js';
import { BakeFailure, type BakeStep } from '../step.js';
import { cleanProgram } from '../../supervisor/clean-program.js';
import { complaint } from '../../supervisor/guest-answer.js';

/** An image with very many files takes its time to go through; a guest that has not ended then never will. */
const cleanMs = 15 * 60_000;

/** Makes the machine's disk fit to be cloned: nothing on it that belongs to this one machine or to Murmur. */
export const clean: BakeStep = {
  name: 'clean',
  phase: 'capturing',
  async run(state, context) {
    await assertLease(context.database, context.lease);
    await using session = guestSession(state, context);
    const program = cleanProgram(context.keys.clientPublic, context.substrate.guestFolder);
    const result = await session.use(cleanMs, (channel, signal) => channel.run('sh', { stdin: program, signal }));
    if (result.exitCode === 0) return {};
    if (endedBySignal(result.exitCode)) await assertNotGoingDown(session);
    const { run, tenantKey } = context;
    const secrets = Object.values(openVariables(tenantKey, run.id, run.sealed_variables));
    throw new BakeFailure(`the machine could not be cleaned: ${complaint(result.stderr, secrets)}`);
  },
};

import { assertNotGoingDown, endedBySignal } from '../going-down.js';
import { guestSession } from '../guest-session.js';
import { assertLease } from '../../runs/lease.js';
import { remark } from '../../runs/logs.js';
import { openVariables } from '../../starting/script-variables.js';
import { BakeFailure, type BakeStep } from '../step.js';
import { cleanProgram } from '../../supervisor/clean-program.js';
import { startlessExit } from '../../supervisor/clean-start.js';
import { complaint } from '../../supervisor/guest-answer.js';

/** More names than these make no message clearer. */
const mostNamed = 10;
/** An image with very many files takes its time to go through; a guest that has not ended then never will. */
const cleanMs = 15 * 60_000;

/** Makes the machine's disk fit to be cloned: nothing on it that belongs to this one machine or to Murmur. */
export const clean: BakeStep = {
  name: 'clean',
  phase: 'capturing',
  waitsFor: "its machine's disk to be cleaned",
  async run(state, context) {
    await assertLease(context.database, context.lease);
    const until = performance.now() + cleanMs;
    await using session = guestSession(state, context, () => until - performance.now());
    const { run, tenantKey } = context;
    const secrets = Object.values(openVariables(tenantKey, run.id, run.sealed_variables));
    const program = cleanProgram(context.keys.clientPublic, context.substrate.guestFolder);
    const { exitCode, stderr, stdout } = await session.use(cleanMs, (channel, signal) => channel.run('sh', { stdin: program, signal }));
    const said = (lines: readonly string[]) => complaint(listed(lines), secrets);
    const unmounted = [...stdout.matchAll(/^unmounted (.+)$/gm)].flatMap(([, point]) => point ?? []);
    if (unmounted.length > 0) {
      await remark(context.database, context.lease, `unmounted what the script had left mounted: ${said(unmounted)}`);
    }
    if (exitCode === 0) return {};
    if (endedBySignal(exitCode)) await assertNotGoingDown(session);
    if (exitCode === startlessExit) throw new BakeFailure(`no machine of this image could be used: ${said(stderr.trim().split('\n'))}`);
    throw new BakeFailure(`the machine could not be cleaned: ${said(stderr.trim().split('\n'))}`);
  },
};

function listed(lines: readonly string[]): string {
  const others = lines.length > mostNamed ? `, and ${lines.length - mostNamed} more` : '';
  return `${lines.slice(0, mostNamed).join(', ')}${others}`;
}

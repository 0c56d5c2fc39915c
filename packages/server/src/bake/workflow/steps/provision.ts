import { setTimeout as delay } from 'node:timers/promises';

import { redactedNames } from '../../../secrets/redacted-names.js';
import { createRedactor } from '../../../secrets/redactor.js';
import { PlatformFault } from '../../../substrates/substrate.js';
import { assertNotGoingDown, endedBySignal } from '../going-down.js';
import { guestSession, type GuestSession } from '../guest-session.js';
import { assertLease } from '../../runs/lease.js';
import { appendLog, lastLines, remark } from '../../runs/logs.js';
import { noteWatched } from '../../runs/runs.js';
import { openVariables } from '../../starting/script-variables.js';
import { BakeFailure, type BakeStep, type StepContext } from '../step.js';
import { scriptFailure } from '../../supervisor/ending-words.js';
import { complaint, guestAnswer } from '../../supervisor/guest-answer.js';
import { readCommand, type ScriptStart, startAndReadProgram, stopCommand } from '../../supervisor/guest-program.js';

const shownLines = 10;
/**
 * The guest ends the script by its own clock; a minute later the attempt is over at the latest, however the guest behaves. The last
 * seconds of that are for saying so.
 */
const graceMs = 55_000;
/** How much of the time that a script was followed may be forgotten when the server ends. */
const noteEveryMs = 10_000;
/** A read waits a few seconds for output; one that takes this long is stuck with its connection. */
const readMs = 90_000;
/** The program that starts the script waits up to five minutes itself. */
const startMs = 6 * 60_000;
/** What one read brings at the most; there is more when it is full. */
const mostChunkBytes = 1024 * 1024;
/** More full reads than a guest can have output waiting. */
const mostBacklog = 32;
/** The machine ends by itself an hour after its script's timeout; until half of that, it may wait for a server that was away. */
const mostWaitedMs = 30 * 60_000;
/** Killing a process tree takes a slow guest some seconds: the server begins this much before the grace is over. */
const stopMs = 15_000;

/**
 * Runs the recipe's script under the supervisor in the guest and follows its output until it ends. Repeated after a crash it
 * finds the script running, and goes on at the first byte of output that is not stored.
 */
export const provision: BakeStep = {
  name: 'provision',
  phase: 'provisioning',
  async run(state, context) {
    const { database, inputs, lease, run } = context;
    await assertLease(database, lease);
    const variables = openVariables(context.tenantKey, run.id, run.sealed_variables);
    const secrets = Object.values(variables);
    const redacted = redactedNames(variables);
    // Once, and before any output.
    if (redacted !== '' && context.attempt === 1 && run.guest_offset === 0) await remark(database, lease, redacted);
    // A server that comes back late still asks how the script ended.
    const time = { until: performance.now() + Math.max(graceMs, inputs.timeoutSeconds * 1000 + graceMs - context.watchedMs) };
    await using session = guestSession(state, context, () => time.until - performance.now());
    const start = { script: inputs.script, variables, timeoutSeconds: inputs.timeoutSeconds };
    const ending = await follow(session, time, context, { start, secrets });
    if (ending === 'exited 0') return {};
    if (ending === 'lost' || endedBySignal(Number(/^exited (\d+)$/.exec(ending)?.[1]))) await assertNotGoingDown(session);
    throw new BakeFailure(await describe(ending, context, secrets));
  },
};

/**
 * How long to leave the guest alone before its output is read again, in milliseconds. Each read takes a slow guest's processor
 * for a fifth of a second, which a script that prints all the time would lose; but a short one should not wait for its end.
 */
function pauseAfter(followedMs: number): number {
  return Math.min(2000, Math.max(100, followedMs / 8));
}

/** Starts the script, or finds it started, stores its output until it has ended, and says how: the supervisor's last state. */
async function follow(
  session: GuestSession,
  time: { until: number },
  context: StepContext,
  { secrets, start }: { start: ScriptStart; secrets: readonly string[] },
): Promise<string> {
  const { attempt, database, inputs, lease, run, watchedMs } = context;
  const redactor = createRedactor(secrets);
  const origin = run.guest_offset;
  const limitMs = inputs.timeoutSeconds * 1000 + graceMs - stopMs;
  const followedFrom = performance.now();
  const followedMs = () => performance.now() - followedFrom;
  let notedMs = 0;
  let stored = origin;
  let received = origin;
  let backlog = mostBacklog;
  for (let started = false; ; started = true) {
    const { guestFolder } = context.substrate;
    const { chunk, state } = await session.use(started ? readMs : startMs, async (channel, signal) => {
      const answer = guestAnswer();
      if (started) {
        await channel.stream(readCommand(stored, received, guestFolder), answer.sink, { signal });
        return { chunk: answer.output(), state: answer.state() };
      }
      const stdin = startAndReadProgram(start, origin, guestFolder);
      const exitCode = await channel.stream('sh', answer.sink, { stdin, signal });
      const [, first] = /^started\n?([^]*)$/.exec(answer.state()) ?? [];
      if (first === undefined) throw new BakeFailure(`the script could not be started: ${complaint(answer.state(), secrets)}`);
      // What runs already may end whatever it finds, and so this command: the next one sees what came of it.
      return { chunk: answer.output(), state: exitCode === 0 ? first : 'running' };
    });
    received += chunk.length;
    const running = /^running(?: (\d+))?$/.exec(state);
    const ended = running === null;
    const { text, consumed } = redactor.push(chunk);
    const rest = ended ? redactor.end() : undefined;
    const represented = origin + (rest?.consumed ?? consumed);
    const safe = text + (rest?.text ?? '');
    if (safe !== '' || represented !== stored) await appendLog(database, lease, safe, represented);
    stored = represented;
    if (ended) return state;
    if (chunk.length < mostChunkBytes) await delay(pauseAfter(followedMs()), undefined, { signal: context.signal });
    if (followedMs() - notedMs > noteEveryMs) {
      notedMs = followedMs();
      await noteWatched(database, lease, { name: provision.name, attempt }, watchedMs + notedMs);
    }
    // The guest stops its own clock while the script waits for us, and what it printed before we came back is read first.
    const waitedMs = Math.min(mostWaitedMs, Number(running[1] ?? 0) * 1000);
    // Whoever still has to say something for such a reason is given the time to say it.
    if (waitedMs > 0 || chunk.length === mostChunkBytes) time.until = Math.max(time.until, performance.now() + graceMs);
    const overdue = watchedMs + followedMs() > limitMs + waitedMs;
    if (overdue && chunk.length === mostChunkBytes && backlog > 0) backlog -= 1;
    else if (overdue) {
      try {
        await session.use(stopMs, (channel, signal) => channel.run(stopCommand(context.substrate.guestFolder), { signal }));
      } catch (error) {
        if (!(error instanceof PlatformFault)) throw error;
        context.log.warn({ err: error }, 'a script that timed out was not stopped; it ends with its machine');
      }
      return 'timed-out';
    }
  }
}

async function describe(ending: string, { database, inputs, lease, run }: StepContext, secrets: readonly string[]): Promise<string> {
  if (ending === 'timed-out') {
    await remark(database, lease, `script timed out after ${inputs.timeout}`);
    return `script timed out after ${inputs.timeout}`;
  }
  const failure = scriptFailure(ending, inputs);
  if (failure === undefined) return `the script's supervisor answered ${JSON.stringify(complaint(ending, secrets))}`;
  const lines = failure.showsOutput ? await lastLines(database, run.id, shownLines) : '';
  await remark(database, lease, failure.words);
  return `${failure.words}${lines === '' ? '' : `\n${lines}`}`;
}

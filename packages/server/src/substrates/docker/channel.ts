import { randomUUID } from 'node:crypto';
import { type Duplex, Writable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';

import type { Container, Exec } from 'dockerode';

import { type CommandResult, type GuestChannel, type Machine, PlatformFault } from '../substrate.js';
import { asked, askedOnce, type Engine, statusOf } from './engine.js';
import { containerName, guestFolder, runningContainer } from './machine.js';

/** What {@link GuestChannel.run} keeps of a command's output. */
const mostOutput = 1024 * 1024;
const pollMs = 100;
const mostLooks = 100;
const looksAtKilled = 10;
/** How a shell reports SIGKILL. */
const killedCode = 137;

/** Notes its process id, so that what was given up can be ended: the engine itself cannot end a command. */
const wrapper = 'echo $$ >"$1"; sh -c "$2"; code=$?; rm -f "$1"; exit "$code"';

/** Speaks to a container by running commands in it as root. */
export async function openChannel(engine: Engine, machine: Machine, signal: AbortSignal): Promise<GuestChannel> {
  await runningContainer(engine, machine, signal);
  const container = engine.docker.getContainer(containerName(machine.token));
  const closing = new AbortController();

  const stream: GuestChannel['stream'] = async (command, sink, options = {}) => {
    const ended = AbortSignal.any([closing.signal, ...(options.signal === undefined ? [] : [options.signal])]);
    ended.throwIfAborted();
    return execute(engine, container, command, sink, options.stdin, ended);
  };

  return {
    stream,
    async run(command, options = {}): Promise<CommandResult> {
      const [stdout, stderr] = [collector(), collector()];
      const exitCode = await stream(command, { stdout: stdout.take, stderr: stderr.take }, options);
      return { exitCode, stdout: stdout.text(), stderr: stderr.text() };
    },
    async [Symbol.asyncDispose]() {
      closing.abort(new Error('the channel was closed'));
    },
  };
}

async function execute(
  engine: Engine,
  container: Container,
  command: string,
  sink: { stdout(chunk: Buffer): void; stderr(chunk: Buffer): void },
  stdin: string | Buffer | undefined,
  signal: AbortSignal,
): Promise<number> {
  const note = `${guestFolder}/command-${randomUUID()}`;
  const exec = await asGuest(signal, () =>
    container.exec({
      Cmd: ['sh', '-c', wrapper, 'murmur', note, command],
      AttachStdin: true,
      AttachStdout: true,
      AttachStderr: true,
      User: '0',
      WorkingDir: '/',
    }),
  );
  const connection = await begin(signal, container, exec, note);
  const stop = () => {
    connection.destroy();
    endCommand(container, note).catch(() => undefined);
  };
  signal.addEventListener('abort', stop, { once: true });
  try {
    await new Promise<void>((resolve, reject) => {
      for (const event of ['end', 'close']) connection.once(event, resolve);
      connection.once('error', reject);
      const output = (take: (chunk: Buffer) => void) =>
        new Writable({
          write(chunk: Buffer, _encoding, done) {
            try {
              take(chunk);
              done();
            } catch (error) {
              // Whoever reads has had enough: the command ends with it.
              stop();
              reject(error);
              done();
            }
          },
        });
      engine.docker.modem.demuxStream(connection, output(sink.stdout), output(sink.stderr));
      connection.end(stdin);
    });
    signal.throwIfAborted();
    return await exitCodeOf(container, exec, signal);
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof Error && 'code' in error && statusOf(error) === undefined) {
      throw new PlatformFault('the connection to the container broke off', { cause: error });
    }
    throw error;
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

/**
 * Starts a command, once: the engine answers a second start with words of its own in place of the command's output. One whose
 * start nobody answered may run all the same, and is ended.
 */
async function begin(signal: AbortSignal, container: Container, exec: Exec, note: string): Promise<Duplex> {
  try {
    return await asGuest(signal, () => exec.start({ hijack: true, stdin: true }), askedOnce);
  } catch (error) {
    endCommand(container, note).catch(() => undefined);
    throw error;
  }
}

/** The status of a command whose output has ended. It may take the engine a moment to know it. */
async function exitCodeOf(container: Container, exec: Exec, signal: AbortSignal): Promise<number> {
  for (let looks = 0; looks < mostLooks; looks += 1) {
    const { ExitCode, Running } = await asGuest(signal, () => exec.inspect());
    if (!Running && ExitCode !== null) {
      if (ExitCode === killedCode) await stillRuns(container, signal);
      return ExitCode;
    }
    await delay(pollMs, undefined, { signal });
  }
  throw new PlatformFault('the Docker engine does not say how a command ended');
}

/** Tells a command that was killed in its container from one that went down with it, which the engine may take a moment to know. */
async function stillRuns(container: Container, signal: AbortSignal): Promise<void> {
  for (let looks = 0; looks < looksAtKilled; looks += 1) {
    const { State } = await asGuest(signal, () => container.inspect());
    if (!State.Running) throw new PlatformFault('the container is gone');
    await delay(pollMs, undefined, { signal });
  }
}

/** A container that is gone or stopped is a fault of the platform, whatever was asked of it. */
async function asGuest<T>(signal: AbortSignal, ask: () => Promise<T>, how: typeof asked<T> = asked): Promise<T> {
  try {
    return await how(signal, ask);
  } catch (error) {
    const status = statusOf(error);
    if (status === 404 || status === 409) throw new PlatformFault('the container is gone', { cause: error });
    throw error;
  }
}

async function endCommand(container: Container, note: string): Promise<void> {
  const script = 'read -r pid <"$1" && kill -9 -- "-$pid"; rm -f "$1"';
  const exec = await container.exec({ Cmd: ['sh', '-c', script, 'murmur', note], User: '0' });
  await exec.start({ Detach: true });
}

function collector() {
  const chunks: Buffer[] = [];
  let size = 0;
  return {
    take(chunk: Buffer) {
      size += chunk.length;
      if (size > mostOutput) throw new RangeError('a command printed over 1 MiB');
      chunks.push(chunk);
    },
    text: () => Buffer.concat(chunks).toString(),
  };
}

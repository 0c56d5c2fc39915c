import { createConnection, type Socket } from 'node:net';

/** A machine's control socket cannot be reached or refused a command. */
export class QmpError extends Error {
  override readonly name = 'QmpError';
}

/** What QEMU says of itself, line by line: a greeting, an answer or an event. */
export interface QmpMessage {
  readonly QMP?: unknown;
  readonly id?: string;
  readonly return?: unknown;
  readonly error?: { readonly desc: string };
  readonly event?: string;
  readonly data?: { readonly guest?: boolean; readonly reason?: string };
}

/** How a machine stands by QEMU's word, such as `running`, `shutdown`, `io-error` or `guest-panicked`. */
export type MachineStatus = string;

const answerMs = 5000;
/** Longer than any answer asked for here; a console's text is the longest. */
const longestLine = 4 * 1024 * 1024;
const consoleReadBytes = 256 * 1024;

/** Calls back with every message that comes over a connection to QEMU. One that says more than it ever does loses it. */
export function onMessages(socket: Socket, take: (message: QmpMessage) => void): void {
  let rest = '';
  socket.setEncoding('utf8').on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > longestLine) socket.destroy(new QmpError('the machine said too much at once'));
    for (const line of lines) take(JSON.parse(line) as QmpMessage);
  });
}

/**
 * Sends one command to a machine's QMP socket and returns its answer. QEMU serves one connection at a time, so each call
 * opens its own and closes it at once.
 */
function qmpCommand(socketPath: string, command: string, args: Record<string, unknown> = {}): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const socket = createConnection(socketPath);
    const limit = setTimeout(() => finish(new QmpError(`no answer to ${command}`)), answerMs);
    const finish = (result: QmpError | { value: unknown }) => {
      clearTimeout(limit);
      socket.destroy();
      if (result instanceof QmpError) reject(result);
      else resolve(result.value);
    };
    socket.on('error', (error) => finish(new QmpError(`cannot reach the machine's control socket: ${error.message}`, { cause: error })));
    socket.on('close', () => finish(new QmpError('the machine closed its control socket')));
    onMessages(socket, (message) => {
      if (message.QMP !== undefined) {
        socket.write(
          `${JSON.stringify({ execute: 'qmp_capabilities' })}\n${JSON.stringify({ execute: command, arguments: args, id: 'ours' })}\n`,
        );
      } else if (message.error !== undefined) finish(new QmpError(`${command}: ${message.error.desc}`));
      else if (message.id === 'ours') finish({ value: message.return });
    });
  });
}

/** The loopback port that user-mode networking forwards to the guest's SSH server. */
export async function forwardedPort(socketPath: string): Promise<number> {
  const text = await qmpCommand(socketPath, 'human-monitor-command', { 'command-line': 'info usernet' });
  const port = /TCP\[HOST_FORWARD\]\s+\d+\s+127\.0\.0\.1\s+(\d+)/.exec(String(text))?.[1];
  if (port === undefined) throw new QmpError('the machine forwards no port');
  return Number(port);
}

/** How the machine stands, or undefined when its QEMU does not answer. */
export async function machineStatus(socketPath: string): Promise<MachineStatus | undefined> {
  try {
    return ((await qmpCommand(socketPath, 'query-status')) as { status: string }).status;
  } catch (error) {
    if (error instanceof QmpError) return undefined;
    throw error;
  }
}

/** What the guest has written to its console since this was asked the last time, as far as the ring still has it. */
export async function takeConsole(socketPath: string): Promise<string> {
  return String(await qmpCommand(socketPath, 'ringbuf-read', { device: 'console', size: consoleReadBytes }));
}

/** Ends QEMU, with all that it holds of the disk written out. */
export async function quitMachine(socketPath: string): Promise<void> {
  try {
    await qmpCommand(socketPath, 'quit');
  } catch (error) {
    // Whether it ended is seen on its process.
    if (!(error instanceof QmpError)) throw error;
  }
}

import { createConnection } from 'node:net';

/** A machine's control socket cannot be reached or refused a command. */
export class QmpError extends Error {
  override readonly name = 'QmpError';
}

const answerMs = 5000;

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
    let rest = '';
    socket.on('error', (error) => finish(new QmpError(`cannot reach the machine's control socket: ${error.message}`, { cause: error })));
    socket.on('close', () => finish(new QmpError('the machine closed its control socket')));
    socket.setEncoding('utf8').on('data', (chunk: string) => {
      const lines = (rest + chunk).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        const message = JSON.parse(line) as { QMP?: unknown; id?: string; return?: unknown; error?: { desc: string } };
        if (message.QMP !== undefined) {
          socket.write(
            `${JSON.stringify({ execute: 'qmp_capabilities' })}\n${JSON.stringify({ execute: command, arguments: args, id: 'ours' })}\n`,
          );
        } else if (message.error !== undefined) finish(new QmpError(`${command}: ${message.error.desc}`));
        else if (message.id === 'ours') finish({ value: message.return });
      }
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

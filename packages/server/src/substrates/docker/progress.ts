import { Readable } from 'node:stream';

/** Longer lines than this say nothing that we look for. */
const mostLine = 64 * 1024;

/** Reads what the engine says while it imports, pulls or pushes, to the end. What went wrong comes as one of its lines. */
export async function lastError(
  reply: NodeJS.ReadableStream,
  signal: AbortSignal,
  onLine?: (line: unknown) => void,
): Promise<string | undefined> {
  const stop = () => {
    if (reply instanceof Readable) reply.destroy(signal.reason as Error);
  };
  signal.addEventListener('abort', stop, { once: true });
  let problem: string | undefined;
  let rest = '';
  try {
    for await (const chunk of reply) {
      const lines = (rest + String(chunk)).split('\n');
      rest = (lines.pop() ?? '').slice(-mostLine);
      for (const line of lines) problem = take(line, onLine) ?? problem;
    }
    return take(rest, onLine) ?? problem;
  } finally {
    signal.removeEventListener('abort', stop);
    signal.throwIfAborted();
  }
}

function take(line: string, onLine: ((line: unknown) => void) | undefined): string | undefined {
  if (line.trim() === '') return undefined;
  const said = JSON.parse(line) as { readonly error?: unknown };
  onLine?.(said);
  return typeof said.error === 'string' ? said.error : undefined;
}

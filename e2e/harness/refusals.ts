import { murmur } from './cli.js';
import type { TestServer } from './server.js';

/** What a refused command said: its faults as `CODE: message`, and the hints below them. */
export interface Refusal {
  readonly code: number | null;
  readonly faults: readonly string[];
  readonly hints: readonly string[];
}

/** Runs a command that must fail without printing a result. Fails when a fault stands below a hint. */
export async function refusal(
  server: TestServer,
  args: readonly string[],
  options: { stdin?: string; env?: Record<string, string> } = {},
): Promise<Refusal> {
  const { code, stdout, stderr } = await murmur(server, args, options);
  if (code === 0 || stdout !== '') throw new Error(`murmur ${args.join(' ')} was not refused:\n${stdout}\n${stderr}`);
  const lines = stderr.trimEnd().split('\n');
  const firstHint = lines.findIndex((line) => !line.startsWith('murmur: '));
  const faults = firstHint === -1 ? lines : lines.slice(0, firstHint);
  const hints = firstHint === -1 ? [] : lines.slice(firstHint);
  if (hints.some((line) => line.startsWith('murmur: '))) throw new Error(`a fault stands below a hint:\n${stderr}`);
  return { code, faults: faults.map((line) => line.replace('murmur: ', '')), hints };
}

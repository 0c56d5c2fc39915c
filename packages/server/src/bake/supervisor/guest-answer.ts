import { createRedactor } from '../../secrets/redactor.js';
import { BakeFailure } from '../workflow/step.js';

/** The supervisor sends 1 MiB at most. A script is root and may have put another program in its place. */
const mostBytes = 4 * 1024 * 1024;
const mostComplaint = 1024;

/** What the guest answers to one read. */
export interface GuestAnswer {
  /** Takes the answer as it comes. Throws {@link BakeFailure} once it is longer than any supervisor's. */
  readonly sink: { stdout(part: Buffer): void; stderr(part: Buffer): void };
  /** The script's output. */
  output(): Buffer;
  /** The supervisor's line of state. */
  state(): string;
}

/** Collects an answer, but not more of it than fits: the guest decides how much it sends. */
export function guestAnswer(): GuestAnswer {
  const output: Buffer[] = [];
  const states: Buffer[] = [];
  let received = 0;
  const into = (parts: Buffer[]) => (part: Buffer) => {
    received += part.length;
    if (received > mostBytes) throw new BakeFailure("the script's supervisor in the machine sent more than it ever does");
    parts.push(part);
  };
  return {
    sink: { stdout: into(output), stderr: into(states) },
    output: () => Buffer.concat(output),
    state: () => Buffer.concat(states).toString().trim(),
  };
}

/** The end of what a guest said, fit for an error: without secrets and without NUL. */
export function complaint(text: string, secrets: readonly string[]): string {
  const redactor = createRedactor(secrets);
  return `${redactor.push(Buffer.from(text)).text}${redactor.end().text}`.trim().slice(-mostComplaint);
}

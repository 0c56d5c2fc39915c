import type { Issuer } from '@murmur/api';

import type { StoredLogin } from '../config/logins.js';
import type { Context } from '../context.js';
import { CliError } from '../failure.js';
import { renderSeconds } from '../output/time.js';
import { type DeviceSignIn, isUnreachable, openIssuer } from './issuer.js';

const tickMs = 1000;

/** Signs a person in with a browser, here or elsewhere. Undefined when they pressed Ctrl-C instead. */
export async function signInWithDevice(context: Context, { url, clientId, scopes }: Issuer): Promise<StoredLogin | undefined> {
  const signal = context.interruption();
  try {
    const issuer = await openIssuer({ url, clientId });
    const device = await issuer.signIn(scopes);
    context.stderr.write(`Open ${printable(device.address)}\nin a browser and confirm the code ${printable(device.code)}\n`);
    return await withProgress(context, device, signal);
  } catch (cause) {
    if (signal.aborted) return undefined;
    if (cause instanceof CliError) throw cause;
    if (isUnreachable(cause))
      throw new CliError('UNAVAILABLE', `cannot reach the issuer ${url}`, { cause, hint: 'Try again in a moment.' });
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new CliError('FAILED_PRECONDITION', `cannot sign in with ${url}: ${why}`, { cause, hint: 'Ask the operator of the server.' });
  }
}

/** A line that counts on a terminal, and elsewhere one that stands. */
async function withProgress({ stderr }: Context, device: DeviceSignIn, signal: AbortSignal): Promise<StoredLogin> {
  if (stderr.isTTY !== true) {
    stderr.write(`Waiting for you, for up to ${renderSeconds(device.seconds)}\n`);
    return device.finish(signal);
  }
  const start = performance.now();
  const show = (): unknown => stderr.writeRaw(`\rWaiting for you: ${renderSeconds((performance.now() - start) / 1000)} `);
  show();
  const ticking = setInterval(show, tickMs);
  try {
    return await device.finish(signal);
  } finally {
    clearInterval(ticking);
    stderr.write('\n');
  }
}

/** Nothing that an issuer sends may drive the terminal. */
function printable(text: string): string {
  return text.replaceAll(/\p{Cc}/gu, '');
}

import { isReadableOnItsWay } from '../config/server-address.js';
import type { Settings } from '../config/settings.js';
import { CliError } from '../failure.js';

/** Refuses to send anything where others can read it on its way, keys and secrets among it, unless the user asked for that. */
export function requirePrivacy({ server, insecure }: Pick<Settings, 'server' | 'insecure'>): void {
  if (insecure || !isReadableOnItsWay(server)) return;
  throw new CliError('FAILED_PRECONDITION', `${server} is another host and not https: keys and secrets could be read on their way`, {
    hint: 'Use https, or --insecure where you trust everything in between.',
  });
}

import { shellQuote } from '@murmur/api';

/** What a login has before the image's own settings add to it. Tools that ask for a terminal's abilities expect one with a name. */
const plain = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin TERM=linux';

/**
 * A line for the guest's `sh` that runs these words as a person's login would: `/etc/environment`, the locale and
 * `limits.conf` apply, root's own shell and its start files do not. Where the guest has no such login, the words alone run.
 */
export function loginCommand(words: readonly string[]): string {
  const quoted = words.map(shellQuote).join(' ');
  return `export ${plain}
if su -s /bin/sh -c : -- root </dev/null >/dev/null 2>&1; then exec su -s /bin/sh -c 'exec "$0" "$@"' -- root ${quoted}; fi
exec ${quoted}`;
}

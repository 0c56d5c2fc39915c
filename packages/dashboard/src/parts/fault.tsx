import { MurmurError } from '@murmur/api';
import type { ReactNode } from 'react';

import { Button } from './button.js';
import { shownText } from './shown-text.js';

/** What went wrong, in the server's own words: what, and what to do. */
export function Fault({ error, again }: { readonly error: unknown; readonly again?: () => void }): ReactNode {
  const { code, hint, message } = MurmurError.from(error);
  const isAway = code === 'UNAVAILABLE' || (code === 'UNKNOWN' && /fetch|network/i.test(message));
  return (
    <div role="alert" className="flex flex-wrap items-start gap-x-4 gap-y-2 rounded-md border border-bad/40 bg-bad-soft px-3.5 py-2.5">
      <div className="min-w-0 flex-1">
        <p className="foreign font-medium text-bad">{isAway ? 'The server does not answer' : shownText(message)}</p>
        <p className="foreign text-ink-2">{isAway ? 'It may be restarting. This page tries again by itself.' : shownText(hint ?? '')}</p>
      </div>
      <code className="rounded bg-panel px-1.5 font-mono text-2xs text-ink-2">{code}</code>
      {again === undefined ? null : <Button onClick={again}>Try again</Button>}
    </div>
  );
}

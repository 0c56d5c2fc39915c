import { type ReactNode, useState } from 'react';

import { Button } from './button.js';

/** A command that does the same, to copy. */
export function Command({ line }: { readonly line: string }): ReactNode {
  return (
    <div className="flex items-center gap-2 rounded-md border border-line bg-sunken py-1 pr-1 pl-3">
      <code
        tabIndex={0}
        role="textbox"
        aria-readonly="true"
        aria-label="Command"
        className="foreign min-w-0 flex-1 overflow-x-auto font-mono text-xs whitespace-nowrap"
      >
        {line}
      </code>
      <Copy text={line} />
    </div>
  );
}

/** Puts a text on the clipboard, and says so. */
export function Copy({ text, label = 'Copy' }: { readonly text: string; readonly label?: string }): ReactNode {
  const [said, setSaid] = useState('');
  const copy = (): void => {
    void navigator.clipboard.writeText(text).then(
      () => setSaid('Copied'),
      () => setSaid('Not allowed'),
    );
    window.setTimeout(() => setSaid(''), 2000);
  };
  return (
    <Button weight="quiet" onClick={copy}>
      <span aria-live="polite">{said === '' ? label : said}</span>
    </Button>
  );
}

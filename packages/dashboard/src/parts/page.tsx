import type { ReactNode } from 'react';

import { useTitle } from '../app/titles.js';

/** The top of a page: what it is, a line about it, and what can be done. */
export function PageHead(props: {
  readonly title: ReactNode;
  /** In the browser's tab. */
  readonly name: string;
  readonly above?: ReactNode;
  readonly about?: ReactNode;
  readonly actions?: ReactNode;
}): ReactNode {
  const { about, above, actions, name, title } = props;
  useTitle(name);
  return (
    <header className="mb-5 flex flex-wrap items-end justify-between gap-x-6 gap-y-3">
      <div className="min-w-0 flex-1 basis-72">
        {above === undefined ? null : <div className="mb-1 text-xs text-ink-3">{above}</div>}
        <h1 className="foreign text-xl leading-7 font-semibold tracking-tight">{title}</h1>
        {about === undefined ? null : <div className="foreign mt-1 max-w-3xl text-ink-2">{about}</div>}
      </div>
      {actions === undefined ? null : <div className="flex flex-wrap items-center gap-2">{actions}</div>}
    </header>
  );
}

/** A part of a page with a heading of its own. */
export function Section(props: {
  readonly title: string;
  readonly aside?: ReactNode;
  readonly children: ReactNode;
  /** Without room around what is in it: for tables. */
  readonly flush?: true;
}): ReactNode {
  const { aside, children, flush, title } = props;
  return (
    <section aria-label={title} className="panel mb-5 overflow-hidden">
      <div className="flex min-h-11 flex-wrap items-center justify-between gap-x-4 gap-y-1 border-b border-line px-4 py-2">
        <h2 className="text-[0.8125rem] font-semibold">{title}</h2>
        {aside === undefined ? null : <div className="text-xs text-ink-3">{aside}</div>}
      </div>
      <div className={flush === true ? '' : 'p-4'}>{children}</div>
    </section>
  );
}

/** Where there is nothing: what would be here, and what to do next. */
export function Empty({ title, children }: { readonly title: string; readonly children?: ReactNode }): ReactNode {
  return (
    <div className="flex flex-col items-center gap-1.5 px-6 py-9 text-center">
      <p className="font-medium">{title}</p>
      {children === undefined ? null : <div className="max-w-md text-ink-2">{children}</div>}
    </div>
  );
}

/** In place of what is on its way. It does not move: what is soon there needs no show. */
export function Waiting({ what }: { readonly what: string }): ReactNode {
  return (
    <p role="status" className="px-4 py-9 text-center text-ink-3">
      Loading {what}…
    </p>
  );
}

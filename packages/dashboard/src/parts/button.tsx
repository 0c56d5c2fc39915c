import type { ButtonHTMLAttributes, ReactNode } from 'react';

/** How much a button stands out. */
export type Weight = 'main' | 'plain' | 'quiet' | 'danger';

const looks: Readonly<Record<Weight, string>> = {
  main: 'bg-accent text-accent-ink border-transparent hover:opacity-90',
  plain: 'bg-panel text-ink border-line-strong hover:bg-sunken',
  quiet: 'bg-transparent text-ink-2 border-transparent hover:bg-sunken hover:text-ink',
  danger: 'bg-panel text-bad border-line-strong hover:bg-bad-soft',
};

/** The classes of a button, for links that look like one. */
export function buttonLook(weight: Weight = 'plain'): string {
  return `inline-flex min-h-8 items-center justify-center gap-1.5 rounded-md border px-3 py-1 text-[0.8125rem] font-medium whitespace-nowrap transition-colors disabled:opacity-50 ${looks[weight]}`;
}

/** A button. */
export function Button({
  weight = 'plain',
  className = '',
  ...rest
}: ButtonHTMLAttributes<HTMLButtonElement> & { readonly weight?: Weight }): ReactNode {
  return <button type="button" className={`${buttonLook(weight)} ${className}`} {...rest} />;
}

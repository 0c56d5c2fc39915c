import type { ReactNode } from 'react';

/** Names and what they are, one below the other; what is empty is left out. */
export function Facts({ of }: { readonly of: readonly (readonly [string, ReactNode])[] }): ReactNode {
  return (
    <dl className="flex flex-col gap-2.5">
      {of
        .filter(([, value]) => value !== '' && value !== undefined && value !== null)
        .map(([name, value]) => (
          <div key={name}>
            <dt className="text-xs text-ink-3">{name}</dt>
            <dd className="foreign min-w-0">{value}</dd>
          </div>
        ))}
    </dl>
  );
}

import type { ReactNode } from 'react';

/** The sign of Murmur: a line that speaks softly. */
export function Mark({ size = 22 }: { readonly size?: number }): ReactNode {
  return (
    <svg aria-hidden="true" width={size} height={size} viewBox="0 0 32 32">
      <rect width="32" height="32" rx="9" className="fill-accent" />
      <path
        d="M7 20c2.4 0 2.4-8 4.8-8s2.4 10 4.4 10 2.2-12 4.4-12S23 18 25 18"
        fill="none"
        className="stroke-accent-ink"
        strokeWidth="2.4"
        strokeLinecap="round"
      />
    </svg>
  );
}

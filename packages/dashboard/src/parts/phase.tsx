import type { ReactNode } from 'react';

const looks: Readonly<Record<string, { readonly tone: string; readonly sign: string }>> = {
  queued: { tone: 'bg-idle-soft text-idle', sign: 'wait' },
  launching: { tone: 'bg-busy-soft text-busy', sign: 'run' },
  provisioning: { tone: 'bg-busy-soft text-busy', sign: 'run' },
  capturing: { tone: 'bg-busy-soft text-busy', sign: 'run' },
  registering: { tone: 'bg-busy-soft text-busy', sign: 'run' },
  completed: { tone: 'bg-good-soft text-good', sign: 'done' },
  failed: { tone: 'bg-bad-soft text-bad', sign: 'fail' },
  cancelled: { tone: 'bg-idle-soft text-idle', sign: 'stop' },
};

/** Whether a bake in this phase goes on. */
export function isLive(phase: string): boolean {
  return !['completed', 'failed', 'cancelled'].includes(phase);
}

/** The phase of a bake: a sign and its word, so that colour is never alone in saying it. */
export function Phase({ phase }: { readonly phase: string }): ReactNode {
  const { sign, tone } = looks[phase] ?? { tone: 'bg-idle-soft text-idle', sign: 'stop' };
  return (
    <span className={`inline-flex items-center gap-1.5 rounded-full py-0.5 pr-2.5 pl-2 text-xs font-medium whitespace-nowrap ${tone}`}>
      <Sign sign={sign} />
      {phase}
    </span>
  );
}

function Sign({ sign }: { readonly sign: string }): ReactNode {
  const paths: Readonly<Record<string, ReactNode>> = {
    wait: <path d="M6 3.2V6l1.9 1.4" />,
    done: <path d="m3.6 6.2 1.6 1.6 3.2-3.6" />,
    fail: <path d="m4.2 4.2 3.6 3.6m0-3.6L4.2 7.8" />,
    stop: <path d="M3.8 6h4.4" />,
  };
  if (sign === 'run') {
    return <span aria-hidden="true" className="breathe mx-0.5 size-2 rounded-full bg-current" />;
  }
  return (
    <svg
      aria-hidden="true"
      viewBox="0 0 12 12"
      className="size-3"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.5"
      strokeLinecap="round"
    >
      <circle cx="6" cy="6" r="5" strokeWidth="1.2" />
      {paths[sign]}
    </svg>
  );
}

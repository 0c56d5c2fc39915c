import { useQuery } from '@connectrpc/connect-query';
import { MurmurService } from '@murmur/api';
import { Link, Outlet, useRouterState } from '@tanstack/react-router';
import { type ReactNode, useEffect, useRef } from 'react';

import { LiveBakesProvider, useLiveBakes } from '../live/live-bakes.js';
import { SignInPage } from '../sign-in/sign-in-page.js';
import { Mark } from './mark.js';
import { Navigation } from './navigation.js';
import { signOut, useSession } from './session.js';
import { setTheme, themes, useTheme } from './theme.js';

/** What is around every page; without a session, the way to get one. */
export function Shell(): ReactNode {
  const session = useSession();
  const path = useRouterState({ select: ({ location }) => location.pathname });
  if (path.startsWith('/sign-in/')) return <Outlet />;
  if (session === undefined) return <SignInPage />;
  return (
    <LiveBakesProvider session={session.token}>
      <a href="#page" className="sr-only z-10 rounded bg-panel px-3 py-2 focus:not-sr-only focus:fixed focus:top-2 focus:left-2">
        Skip to the page
      </a>
      <div className="mx-auto min-h-dvh lg:grid lg:grid-cols-[14rem_minmax(0,1fr)]">
        <aside aria-label="Murmur" className="hidden border-r border-line bg-panel lg:block">
          <div className="sticky top-0 flex h-dvh flex-col overflow-y-auto px-3 py-4">
            <Home />
            <Navigation />
            <div className="mt-auto pt-4">
              <Person />
            </div>
          </div>
        </aside>
        <TopBar />
        <main id="page" tabIndex={-1} className="mx-auto w-full max-w-[88rem] px-4 py-5 outline-none sm:px-6 lg:py-7">
          <Connection />
          <Outlet />
        </main>
      </div>
    </LiveBakesProvider>
  );
}

function Home(): ReactNode {
  return (
    <Link to="/" className="mb-4 flex items-center gap-2 px-2 text-[0.9375rem] font-semibold tracking-tight">
      <Mark />
      Murmur
    </Link>
  );
}

/** On narrow screens, where the navigation has no room beside the page. */
function TopBar(): ReactNode {
  const menu = useRef<HTMLDialogElement>(null);
  const path = useRouterState({ select: ({ location }) => location.pathname });
  useEffect(() => menu.current?.close(), [path]);
  return (
    <header className="sticky top-0 z-5 flex items-center justify-between border-b border-line bg-panel px-4 py-2 lg:hidden">
      <Link to="/" className="flex items-center gap-2 font-semibold tracking-tight">
        <Mark />
        Murmur
      </Link>
      <button
        type="button"
        onClick={() => menu.current?.showModal()}
        className="rounded-md border border-line-strong px-3 py-1 text-[0.8125rem] font-medium"
      >
        Menu
      </button>
      <dialog
        ref={menu}
        aria-label="Menu"
        className="mr-0 ml-auto h-dvh max-h-none w-72 max-w-[85vw] border-l border-line bg-panel p-4 text-ink"
      >
        <div className="flex min-h-full flex-col">
          <button type="button" onClick={() => menu.current?.close()} className="mb-3 self-end rounded px-2 py-1 text-ink-2">
            Close
          </button>
          <Navigation />
          <div className="mt-auto pt-4">
            <Person />
          </div>
        </div>
      </dialog>
    </header>
  );
}

function Person(): ReactNode {
  const { data } = useQuery(MurmurService.method.whoAmI, {}, { staleTime: 60_000 });
  const { data: version } = useQuery(MurmurService.method.getVersion, {}, { staleTime: Infinity });
  const chosen = useTheme();
  return (
    <div className="flex flex-col gap-2.5 border-t border-line px-2 pt-3 text-xs text-ink-2">
      <Link to="/access" className="group block min-w-0">
        <span className="foreign block truncate font-medium text-ink group-hover:underline">{data?.subject ?? '…'}</span>
        <span className="foreign block truncate">{data?.tenant ?? ''}</span>
      </Link>
      <label className="flex items-center justify-between gap-2">
        Theme
        <select
          value={chosen}
          onChange={({ target }) => setTheme(themes.find((one) => one === target.value) ?? 'system')}
          className="rounded border border-line-strong bg-panel px-1.5 py-0.5 text-ink"
        >
          {themes.map((one) => (
            <option key={one}>{one}</option>
          ))}
        </select>
      </label>
      <div className="flex items-center justify-between">
        <button type="button" onClick={() => signOut()} className="rounded font-medium text-ink hover:underline">
          Sign out
        </button>
        <span className="text-ink-3">{version?.version ?? ''}</span>
      </div>
    </div>
  );
}

function Connection(): ReactNode {
  const { stream } = useLiveBakes();
  return (
    <div role="status">
      {stream.state === 'reconnecting' ? (
        <p className="mb-4 rounded-md bg-busy-soft px-3.5 py-2 text-busy">
          The server does not answer. What is below may be old; this page connects again by itself.
        </p>
      ) : null}
    </div>
  );
}

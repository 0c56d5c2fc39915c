import { useQuery } from '@connectrpc/connect-query';
import { createClient } from '@connectrpc/connect';
import { createConnectTransport } from '@connectrpc/connect-web';
import { type Issuer, MurmurError, MurmurService } from '@murmur/api';
import { type ReactNode, type SyntheticEvent, useState } from 'react';

import { Mark } from '../app/mark.js';
import { lastFarewell, signIn } from '../app/session.js';
import { useTitle } from '../app/titles.js';
import { Button } from '../parts/button.js';
import { shownText } from '../parts/shown-text.js';

/** How one gets a session: with an API key, or by an issuer that the server takes tokens of. */
export function SignInPage({ problem }: { readonly problem?: string }): ReactNode {
  useTitle('Sign in');
  const { data } = useQuery(MurmurService.method.listIssuers, {}, { staleTime: Infinity });
  const issuers = (data?.issuers ?? []).filter(({ clientId }) => clientId !== '');
  const farewell = problem ?? lastFarewell();
  return (
    <main className="mx-auto flex min-h-dvh w-full max-w-sm flex-col justify-center px-5 py-10">
      <div className="mb-6 flex items-center gap-3">
        <Mark size={36} />
        <h1 className="text-xl font-semibold tracking-tight">Sign in to Murmur</h1>
      </div>
      {farewell === '' ? null : (
        <p role="alert" className="foreign mb-4 rounded-md bg-busy-soft px-3.5 py-2.5 text-busy">
          {shownText(farewell)}
        </p>
      )}
      {issuers.map((issuer) => (
        <WithIssuer key={issuer.url} issuer={issuer} />
      ))}
      {issuers.length === 0 ? null : (
        <p className="my-3 flex items-center gap-3 text-xs text-ink-3 before:h-px before:flex-1 before:bg-line after:h-px after:flex-1 after:bg-line">
          or
        </p>
      )}
      <WithKey />
      <p className="mt-6 text-xs text-ink-3">
        On the server’s own machine, <code className="font-mono">murmur dashboard</code> opens this page signed in. What you enter stays in
        this tab and ends with it.
      </p>
    </main>
  );
}

function WithKey(): ReactNode {
  const [token, setToken] = useState('');
  const [problem, setProblem] = useState('');
  const [isAsking, setAsking] = useState(false);
  const submit = (event: SyntheticEvent): void => {
    event.preventDefault();
    setAsking(true);
    setProblem('');
    void check(token.trim())
      .then(setProblem)
      .finally(() => setAsking(false));
  };
  return (
    <form onSubmit={submit} className="panel flex flex-col gap-3 p-4">
      <label className="flex flex-col gap-1.5 font-medium">
        API key
        <input
          type="password"
          name="api-key"
          autoComplete="current-password"
          spellCheck={false}
          required
          autoFocus
          value={token}
          onChange={({ target }) => setToken(target.value)}
          aria-describedby="api-key-problem"
          placeholder="mur_…"
          className="rounded-md border border-line-strong bg-panel px-3 py-1.5 font-mono text-[0.8125rem] font-normal"
        />
      </label>
      <p id="api-key-problem" role="alert" className="text-bad empty:hidden">
        {problem}
      </p>
      <Button type="submit" weight="main" disabled={isAsking}>
        {isAsking ? 'Asking the server…' : 'Sign in'}
      </Button>
    </form>
  );
}

/** Signs in when the server takes the key; otherwise says what is wrong. */
async function check(token: string): Promise<string> {
  if (!/^\S+$/.test(token)) return 'That is not an API key. Keys look like mur_<id>.<secret>.';
  const client = createClient(MurmurService, createConnectTransport({ baseUrl: window.location.origin }));
  try {
    await client.whoAmI({}, { headers: { authorization: `Bearer ${token}` } });
    signIn({ token });
    return '';
  } catch (error) {
    const { code, message } = MurmurError.from(error);
    return code === 'UNAUTHENTICATED' ? 'The server does not take this key. It may be mistyped, revoked or expired.' : message;
  }
}

function WithIssuer({ issuer }: { readonly issuer: Issuer }): ReactNode {
  const [problem, setProblem] = useState('');
  const begin = (): void => {
    void import('./issuer-sign-in.js').then(async ({ beginSignIn }) => {
      try {
        await beginSignIn(issuer);
      } catch (error) {
        setProblem(error instanceof Error ? error.message : String(error));
      }
    });
  };
  return (
    <>
      <Button weight="main" onClick={begin} className="mb-2 w-full">
        Sign in with {new URL(issuer.url).host}
      </Button>
      <p role="alert" className="text-bad empty:hidden">
        {problem}
      </p>
    </>
  );
}

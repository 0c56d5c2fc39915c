import { useNavigate } from '@tanstack/react-router';
import { type ReactNode, useEffect, useState } from 'react';

import { signIn } from '../app/session.js';
import { Waiting } from '../parts/page.js';
import { finishSignIn } from './issuer-sign-in.js';
import { SignInPage } from './sign-in-page.js';

/** An issuer takes a code once, and a page may be put up more than once while it is asked. */
let finishing: { readonly search: string; readonly outcome: ReturnType<typeof finishSignIn> } | undefined;

/** Where an issuer sends people back to. */
export function CallbackPage(): ReactNode {
  const navigate = useNavigate();
  const [problem, setProblem] = useState('');
  useEffect(() => {
    const { search } = window.location;
    if (finishing?.search !== search) finishing = { search, outcome: finishSignIn(new URLSearchParams(search)) };
    finishing.outcome.then(
      ({ back, issuer, token }) => {
        signIn({ token, issuer });
        void navigate({ to: back.startsWith('/sign-in/') ? '/' : back, replace: true });
      },
      (error: unknown) => {
        setProblem(error instanceof Error ? error.message : String(error));
      },
    );
  }, [navigate]);
  return problem === '' ? <Waiting what="your session" /> : <SignInPage problem={problem} />;
}

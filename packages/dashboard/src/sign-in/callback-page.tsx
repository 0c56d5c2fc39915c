import { useNavigate } from '@tanstack/react-router';
import { type ReactNode, useEffect, useState } from 'react';

import { signIn } from '../app/session.js';
import { Waiting } from '../parts/page.js';
import { finishSignIn } from './issuer-sign-in.js';
import { SignInPage } from './sign-in-page.js';

/** A development build runs effects twice, and an issuer takes a code once. */
let finishing: ReturnType<typeof finishSignIn> | undefined;

/** Where an issuer sends people back to. */
export function CallbackPage(): ReactNode {
  const navigate = useNavigate();
  const [problem, setProblem] = useState('');
  useEffect(() => {
    finishing ??= finishSignIn(new URLSearchParams(window.location.search));
    finishing.then(
      ({ back, issuer, token }) => {
        finishing = undefined;
        signIn({ token, issuer });
        void navigate({ to: back.startsWith('/sign-in/') ? '/' : back, replace: true });
      },
      (error: unknown) => {
        finishing = undefined;
        setProblem(error instanceof Error ? error.message : String(error));
      },
    );
  }, [navigate]);
  return problem === '' ? <Waiting what="your session" /> : <SignInPage problem={problem} />;
}

import { useNavigate } from '@tanstack/react-router';
import { MurmurError } from '@murmur/api';
import { type ReactNode, useEffect, useState } from 'react';

import { signIn } from '../app/session.js';
import { api } from '../app/transport.js';
import { Waiting } from '../parts/page.js';
import { SignInPage } from './sign-in-page.js';

/** A code is good once, and a page may be put up more than once while it is asked about. */
let redeeming: Promise<string> | undefined;

/** Where `murmur dashboard` leads: the code is behind the `#`, which browsers send to nobody. */
export function CodePage(): ReactNode {
  const navigate = useNavigate();
  const [problem, setProblem] = useState('');
  useEffect(() => {
    const code = window.location.hash.slice(1);
    if (code !== '' || redeeming === undefined) redeeming = redeem(code);
    redeeming.then(
      (token) => {
        signIn({ token });
        void navigate({ to: '/', replace: true });
      },
      (error: unknown) => {
        const { hint = '', message } = MurmurError.from(error);
        setProblem(`${message.charAt(0).toUpperCase()}${message.slice(1)}. ${hint}`);
      },
    );
  }, [navigate]);
  return problem === '' ? <Waiting what="your session" /> : <SignInPage problem={problem} />;
}

async function redeem(code: string): Promise<string> {
  // It is worthless in a moment, and has no business in the browser's history.
  window.history.replaceState(null, '', window.location.pathname);
  return (await api.redeemSignInCode({ code })).token;
}

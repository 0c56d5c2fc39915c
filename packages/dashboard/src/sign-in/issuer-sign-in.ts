import type { Issuer } from '@murmur/api';

/** What the way back from an issuer needs, kept while the browser is there. */
interface Pending {
  readonly issuer: string;
  readonly clientId: string;
  readonly tokenEndpoint: string;
  readonly verifier: string;
  readonly state: string;
  readonly nonce: string;
  readonly back: string;
}

const key = 'murmur.sign-in';

/** Where issuers send people back to. */
const callback = (): string => `${window.location.origin}/sign-in/callback`;

/** Sends the browser to an issuer: authorization code with proof key (RFC 7636). */
export async function beginSignIn({ clientId, scopes, url }: Issuer): Promise<void> {
  const { authorizationEndpoint, tokenEndpoint } = await endpointsOf(url);
  const pending: Pending = {
    issuer: url,
    clientId,
    tokenEndpoint,
    verifier: random(),
    state: random(),
    nonce: random(),
    back: window.location.pathname + window.location.search,
  };
  sessionStorage.setItem(key, JSON.stringify(pending));
  const address = new URL(authorizationEndpoint);
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(pending.verifier));
  const wanted = {
    response_type: 'code',
    client_id: clientId,
    redirect_uri: callback(),
    // A token that renews itself would have to be kept somewhere.
    scope: scopes.filter((scope) => scope !== 'offline_access').join(' '),
    state: pending.state,
    nonce: pending.nonce,
    code_challenge: base64url(new Uint8Array(digest)),
    code_challenge_method: 'S256',
  };
  for (const [name, value] of Object.entries(wanted)) address.searchParams.set(name, value);
  window.location.assign(address);
}

/** Takes what an issuer sent back with the browser, once, and gives the identity token and the page to go on with. */
export async function finishSignIn(search: URLSearchParams): Promise<{ token: string; issuer: string; back: string }> {
  const pending = take();
  if (pending === undefined || search.get('state') !== pending.state)
    throw new Error('This sign-in was not begun in this tab. Begin again.');
  const refusal = search.get('error');
  if (refusal !== null) throw new Error(`The issuer refused: ${search.get('error_description') ?? refusal}`);
  const response = await fetch(pending.tokenEndpoint, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' },
    body: new URLSearchParams({
      grant_type: 'authorization_code',
      client_id: pending.clientId,
      code: search.get('code') ?? '',
      redirect_uri: callback(),
      code_verifier: pending.verifier,
    }),
  });
  const { id_token: token } = await readFields(response);
  if (!response.ok || typeof token !== 'string') throw new Error('The issuer gave no identity token.');
  if (claimsOf(token)['nonce'] !== pending.nonce) throw new Error('The issuer’s token is not for this sign-in. Begin again.');
  return { token, issuer: pending.issuer, back: pending.back };
}

async function endpointsOf(issuer: string): Promise<{ authorizationEndpoint: string; tokenEndpoint: string }> {
  const address = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
  const found = await fetch(address).then(readFields, () => {
    throw new Error('The issuer does not answer this page. It may not allow pages of other hosts (CORS).');
  });
  const { authorization_endpoint: authorizationEndpoint, token_endpoint: tokenEndpoint } = found;
  if (typeof authorizationEndpoint !== 'string' || typeof tokenEndpoint !== 'string' || found['issuer'] !== issuer) {
    throw new Error('The issuer does not say how to sign in.');
  }
  return { authorizationEndpoint, tokenEndpoint };
}

async function readFields(response: Response): Promise<Readonly<Record<string, unknown>>> {
  const value: unknown = await response.json();
  return typeof value === 'object' && value !== null ? { ...value } : {};
}

/** What stands in a token. The server checks its signature; here it only has to be this sign-in's. */
function claimsOf(token: string): Readonly<Record<string, unknown>> {
  const [, payload = ''] = token.split('.');
  const value: unknown = JSON.parse(atob(payload.replaceAll('-', '+').replaceAll('_', '/')));
  return typeof value === 'object' && value !== null ? { ...value } : {};
}

function take(): Pending | undefined {
  const text = sessionStorage.getItem(key);
  sessionStorage.removeItem(key);
  // Written by this page alone.
  return text === null ? undefined : (JSON.parse(text) as Pending);
}

function random(): string {
  return base64url(crypto.getRandomValues(new Uint8Array(32)));
}

function base64url(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '');
}

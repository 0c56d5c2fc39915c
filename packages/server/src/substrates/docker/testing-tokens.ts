import { randomUUID, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';

import { importPKCS8, SignJWT } from 'jose';

import { runOnHost } from '../host-command.js';

/** What a registry calls itself, and who it believes. */
export const tokenService = 'murmur-test-registry';
/** Who signs the tokens. */
export const tokenIssuer = 'murmur-test-issuer';

/** A service that gives out the tokens of a registry. */
export interface TokenService {
  readonly socket: string;
  /** The file with the certificate by which the registry knows its tokens. */
  readonly certificate: string;
  close(): void;
}

/** Starts a service that gives whoever has this login a token for all that the registry says is asked for. */
export async function startTokenService(folder: string, login: string): Promise<TokenService> {
  const [key, certificate, socket] = ['token.key', 'token.pem', 'token.sock'].map((name) => join(folder, name)) as [string, string, string];
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-subj', '/CN=murmur test', '-days', '2'];
  await runOnHost('openssl', ['req', '-x509', ...curve, '-keyout', key, '-out', certificate]);
  const signing = await importPKCS8(await readFile(key, 'utf8'), 'ES256');
  const x5c = [new X509Certificate(await readFile(certificate)).raw.toString('base64')];
  const expected = `Basic ${Buffer.from(login).toString('base64')}`;

  const tokenFor = (scopes: readonly string[]) => {
    const access = scopes.map((scope) => {
      const [type, name, actions = ''] = scope.split(':');
      return { type, name, actions: actions.split(',') };
    });
    return new SignJWT({ access })
      .setProtectedHeader({ typ: 'JWT', alg: 'ES256', x5c })
      .setIssuer(tokenIssuer)
      .setAudience(tokenService)
      .setSubject('murmur')
      .setJti(randomUUID())
      .setIssuedAt()
      .setNotBefore('-1m')
      .setExpirationTime('5m')
      .sign(signing);
  };
  const server = createServer((asked, answer) => {
    const { searchParams } = new URL(asked.url ?? '', 'http://localhost');
    if (asked.headers.authorization !== expected || searchParams.get('service') !== tokenService) return void answer.writeHead(401).end();
    return void tokenFor(searchParams.getAll('scope').flatMap((scopes) => scopes.split(' '))).then(
      (token) => answer.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ token })),
      (error: unknown) => answer.destroy(error instanceof Error ? error : undefined),
    );
  });
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  return { socket, certificate, close: () => void server.close() };
}

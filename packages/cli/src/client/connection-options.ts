import { readFile } from 'node:fs/promises';
import type { RequestOptions } from 'node:https';
import { rootCertificates } from 'node:tls';

import { isOnThisMachine } from '../config/server-address.js';
import { CliError } from '../failure.js';
import type { Surroundings } from '../surroundings.js';

/** How connections are made where the surroundings ask for more than the plain way; a part of what Node's requests take. */
export type ConnectionOptions = Pick<RequestOptions, 'agent' | 'ca'>;

const proxyVariables = ['http_proxy', 'https_proxy', 'all_proxy'];

/**
 * The options that `SSL_CERT_FILE` (authorities beside Node's own, as OpenSSL's users know it) and `HTTP_PROXY`, `HTTPS_PROXY`,
 * `ALL_PROXY` and `NO_PROXY` ask for. A server on this machine is never asked through a proxy.
 */
export async function connectionOptions(env: Surroundings['env'], server: string): Promise<ConnectionOptions> {
  const ca = await authoritiesIn(env['SSL_CERT_FILE'], server);
  const isProxied = proxyVariables.some((name) => (env[name] ?? env[name.toUpperCase()] ?? '') !== '');
  if (!isProxied || isOnThisMachine(server)) return ca;
  const { getProxyForUrl } = await import('proxy-from-env');
  const proxy = getProxyForUrl(server);
  if (proxy === '') return ca;
  try {
    const { HttpsProxyAgent } = await import('https-proxy-agent');
    const { HttpProxyAgent } = await import('http-proxy-agent');
    return { ...ca, agent: server.startsWith('https:') ? new HttpsProxyAgent(proxy, ca) : new HttpProxyAgent(proxy) };
  } catch (cause) {
    throw new CliError('INVALID_ARGUMENT', `the proxy "${proxy}" of the environment is not a URL`, { cause, exitCode: 2 });
  }
}

async function authoritiesIn(file: string | undefined, server: string): Promise<{ ca?: string[] }> {
  if (file === undefined || file === '' || !server.startsWith('https:')) return {};
  try {
    return { ca: [...rootCertificates, await readFile(file, 'utf8')] };
  } catch (cause) {
    throw new CliError('FAILED_PRECONDITION', `cannot read the certificates in ${file}, which SSL_CERT_FILE names`, { cause });
  }
}

import { MurmurError } from '@murmur/api';
import type { AuthClient } from 'google-auth-library';

import { GoogleError } from './faults.js';
import type { GcePlace } from './place.js';

const scopes = ['https://www.googleapis.com/auth/cloud-platform'];
const tokenSeconds = 3600;

/** What the operator has configured. */
export interface GceConfiguration {
  /** In place of Google's own addresses. */
  readonly endpoint?: string | undefined;
  readonly stsEndpoint?: string | undefined;
  readonly iamCredentialsEndpoint?: string | undefined;
  /** Whether placements without a provider use the server's own identity, which Google's library looks for. */
  readonly operatorCredentials?: 'refused' | 'allowed';
}

/** The server as an issuer of identities: signs that a subject is known to it, for one audience and a few minutes. */
export interface SubjectTokens {
  sign(claims: { readonly subject: string; readonly audience: string }): Promise<string>;
}

/** Access tokens of one place. */
export interface Login {
  token(): Promise<string>;
}

/**
 * Logs in to a place: by the provider and service account of the placement, from which the server itself builds what Google's
 * library wants, never from a configuration of a tenant's; or as the server itself, only where the operator allows it.
 */
export async function openLogin(configuration: GceConfiguration, subjects: SubjectTokens, place: GcePlace): Promise<Login> {
  const { GoogleAuth, IdentityPoolClient } = await import('google-auth-library');
  const { actsAs, provider, tenant } = place;
  if (provider === '' || actsAs === '') {
    if (configuration.operatorCredentials !== 'allowed') throw noProvider();
    return loginOf(await new GoogleAuth({ scopes }).getClient());
  }
  const sts = configuration.stsEndpoint ?? 'https://sts.googleapis.com';
  const iam = configuration.iamCredentialsEndpoint ?? 'https://iamcredentials.googleapis.com';
  const audience = `//iam.googleapis.com/${provider}`;
  const client = new IdentityPoolClient({
    type: 'external_account',
    audience,
    subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
    token_url: `${withoutSlash(sts)}/v1/token`,
    service_account_impersonation_url: `${withoutSlash(iam)}/v1/projects/-/serviceAccounts/${actsAs}:generateAccessToken`,
    service_account_impersonation: { token_lifetime_seconds: tokenSeconds },
    scopes,
    subject_token_supplier: { getSubjectToken: () => subjects.sign({ subject: tenant, audience: `https:${audience}` }) },
  });
  return loginOf(client);
}

function loginOf(client: AuthClient): Login {
  return {
    async token() {
      try {
        const { token } = await client.getAccessToken();
        if (typeof token === 'string' && token !== '') return token;
      } catch (error) {
        throw asGoogleError(error);
      }
      throw new GoogleError('', undefined, 'no access token came');
    },
  };
}

/** An error of Google's library, with what the service said. */
function asGoogleError(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof MurmurError) return error;
  const { response } = error as { response?: { status?: number; data?: unknown } };
  const data = response?.data as { error?: string | { message?: string; status?: string }; error_description?: string } | undefined;
  const said = typeof data?.error === 'object' ? data.error.message : data?.error_description;
  // The library throws a plain error with the token service's words in it.
  const [, code = '', text = ''] = /^Error code (\w+): (.*)$/s.exec(error.message) ?? [];
  const status = response?.status ?? (code === '' ? undefined : 400);
  const name = typeof data?.error === 'object' ? (data.error.status ?? '') : (data?.error ?? code);
  return new GoogleError(name, status, said ?? (text === '' ? error.message : text), { cause: error });
}

function withoutSlash(address: string): string {
  return address.replace(/\/$/, '');
}

function noProvider(): MurmurError {
  return new MurmurError('FAILED_PRECONDITION', 'the placement has no wif_provider_resource_name and wif_service_account', {
    hint: "Set both. The server's own credentials are used only where its configuration says so.",
  });
}

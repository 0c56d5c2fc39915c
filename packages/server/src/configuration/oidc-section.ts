import { isLoopback } from '@murmur/api';

import type { IssuerConfig } from '../access/oidc.js';
import { isTenantId } from '../access/tenant-id.js';
import type { Section } from './reader.js';

const fields = [
  'issuer',
  'audience',
  'client_id',
  'scopes',
  'tenant',
  'tenant_claim',
  'subject_claim',
  'subject_prefix',
  'required_claims',
  'authorized_parties',
];

const defaultScopes = ['openid', 'profile', 'email', 'offline_access'];

/** The issuers under `oidc`. */
export function readIssuers(root: Section): IssuerConfig[] {
  const seen = new Set<string>();
  const before: NamesPeople[] = [];
  return root.sections('oidc', fields).flatMap((section) => {
    const issuer = readIssuerUrl(section);
    if (issuer !== undefined && seen.has(issuer)) section.refuse('issuer', `"${issuer}" is listed already`);
    if (issuer !== undefined) seen.add(issuer);
    const clientId = section.text('client_id');
    // What an issuer's identity tokens are meant for is the client that asked for them.
    const audience = section.has('client_id') ? (section.text('audience') ?? clientId) : section.required('audience');
    const tenant = readTenant(section);
    const config = {
      clientId: clientId ?? '',
      scopes: readScopes(section),
      subjectClaim: section.text('subject_claim') ?? 'sub',
      subjectPrefix: readPrefix(section),
      ...readConditions(section),
    };
    if (tenant !== undefined) {
      refuseSharedNames(section, { issuer: issuer ?? '', tenant, subjectPrefix: config.subjectPrefix }, before);
      before.push({ issuer: issuer ?? '', tenant, subjectPrefix: config.subjectPrefix });
    }
    return issuer === undefined || audience === undefined || tenant === undefined ? [] : [{ issuer, audience, tenant, ...config }];
  });
}

function readIssuerUrl(section: Section): string | undefined {
  const written = section.required('issuer');
  if (written === undefined) return undefined;
  const url = URL.canParse(written) ? new URL(written) : undefined;
  if (url === undefined || (url.protocol !== 'https:' && url.protocol !== 'http:')) {
    section.refuse('issuer', `"${written}" is not a URL`);
  } else if (url.protocol === 'http:' && !isLoopback(url.hostname)) {
    section.refuse('issuer', 'must be https, other than on this machine');
  } else if (url.search !== '' || url.hash !== '' || url.username !== '' || url.password !== '') {
    section.refuse('issuer', 'must have no user, query or fragment');
  }
  return written;
}

function readScopes(section: Section): readonly string[] {
  const scopes = section.texts('scopes') ?? defaultScopes;
  if (!scopes.includes('openid')) section.refuse('scopes', 'must include openid');
  return scopes;
}

function readTenant(section: Section): IssuerConfig['tenant'] | undefined {
  const id = section.text('tenant');
  const claim = section.text('tenant_claim');
  if (section.has('tenant') && section.has('tenant_claim')) section.refuseAll('tenant and tenant_claim are mutually exclusive');
  else if (!section.has('tenant') && !section.has('tenant_claim')) section.refuseAll('one of tenant and tenant_claim is required');
  if (id !== undefined && !isTenantId(id)) section.refuse('tenant', `"${id}" is not a tenant such as github_app/acme or local/default`);
  if (id !== undefined) return { id };
  return claim === undefined ? undefined : { claim };
}

function readPrefix(section: Section): string {
  const prefix = section.text('subject_prefix') ?? '';
  if (prefix.startsWith('service-profile/')) section.refuse('subject_prefix', 'service-profile/ is reserved for service profiles');
  return prefix;
}

/** What decides whom the subjects of an issuer could be taken for. */
type NamesPeople = Pick<IssuerConfig, 'issuer' | 'tenant' | 'subjectPrefix'>;

/** Where two issuers share a tenant, neither may be able to name the other's people: no prefix begins with the other. */
function refuseSharedNames(section: Section, { tenant, subjectPrefix }: NamesPeople, before: readonly NamesPeople[]): void {
  // A claim may name any tenant.
  const shares = (other: IssuerConfig['tenant']) => 'claim' in tenant || 'claim' in other || tenant.id === other.id;
  const clash = before.find(
    (other) => shares(other.tenant) && (other.subjectPrefix.startsWith(subjectPrefix) || subjectPrefix.startsWith(other.subjectPrefix)),
  );
  if (clash === undefined) return;
  section.refuse(
    'subject_prefix',
    `"${subjectPrefix}" could name people of "${clash.issuer}", whose prefix is "${clash.subjectPrefix}": they can share a tenant`,
  );
}

function readConditions(section: Section): Pick<IssuerConfig, 'requiredClaims' | 'authorizedParties'> {
  const requiredClaims = section.textMap('required_claims');
  const authorizedParties = section.texts('authorized_parties');
  return {
    ...(requiredClaims === undefined ? {} : { requiredClaims }),
    ...(authorizedParties === undefined ? {} : { authorizedParties }),
  };
}

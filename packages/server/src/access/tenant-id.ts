const tenantId = /^(?:github_app|github_oauth|local)\/[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/;

/** Whether a text names a tenant of people, such as `github_app/acme`. The platform's own tenant is none. */
export function isTenantId(text: string): boolean {
  return tenantId.test(text);
}

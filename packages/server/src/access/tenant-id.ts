/** The id of a tenant of people, such as `github_app/acme`. The platform's own tenant does not match. */
export const tenantIdPattern = /^(?:github_app|github_oauth|local)\/[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/;

/** Whether a text names a tenant of people. */
export function isTenantId(text: string): boolean {
  return tenantIdPattern.test(text);
}

import type { Owner, Token } from '../substrate.js';

/** What everything of ours carries. */
export function labelsOf(owner: Owner, token: Token): Record<string, string> {
  return {
    murmur: 'true',
    'murmur.installation': owner.installation,
    'murmur.tenant': owner.tenant,
    'murmur.run': owner.runId,
    'murmur.token': token,
  };
}

/** Whose a thing is by its labels. */
export function ownerIn(labels: Readonly<Record<string, string>>): Owner {
  return {
    installation: labels['murmur.installation'] ?? '',
    tenant: labels['murmur.tenant'] ?? '',
    runId: labels['murmur.run'] ?? '',
  };
}

/** The engine's filter for what belongs to an installation. */
export function ofInstallation(installation: string): string[] {
  return [`murmur.installation=${installation}`];
}

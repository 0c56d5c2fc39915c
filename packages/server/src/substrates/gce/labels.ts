import type { Owner, Token } from '../substrate.js';
import type { Labels } from './api.js';

/** What everything is labelled with at birth. `murmur=true` is what a condition of a policy can ask for. */
export function labelsOf({ installation, runId, tenant }: Owner, token: Token): Labels {
  return {
    murmur: 'true',
    'murmur-installation': encodeLabel(installation),
    'murmur-tenant': encodeLabel(tenant),
    'murmur-run': encodeLabel(runId),
    'murmur-token': token,
  };
}

/** The label of what a catalog entry names. */
export const keptLabels: Labels = { 'murmur-kept': 'true' };
/** The label of a machine that is stopped because it was asked for. */
export const capturedLabels: Labels = { 'murmur-captured': 'true' };

/** Whether a catalog entry names it. */
export function isKept(labels: Labels | undefined): boolean {
  return labels?.['murmur-kept'] === 'true';
}

/** Whether a machine is stopped because it was asked for. */
export function isCaptured(labels: Labels | undefined): boolean {
  return labels?.['murmur-captured'] === 'true';
}

/** The token of something of ours; empty where there is none. */
export function tokenOf(labels: Labels | undefined): Token {
  return (labels?.['murmur-token'] ?? '') as Token;
}

/** Whose something is, by its labels. */
export function ownerOf(labels: Labels | undefined): Owner {
  const text = (name: string) => decodeLabel(labels?.[`murmur-${name}`] ?? '');
  return { installation: text('installation'), tenant: text('tenant'), runId: text('run') };
}

/** A filter for what carries one of our labels with this value. */
export function labelled(name: 'installation' | 'token', value: string): string {
  return `labels.murmur-${name}=${encodeLabel(value)}`;
}

/**
 * A text in the few characters of a label's value. `_` and two hexadecimal digits stand for any other byte. What is longer than a
 * label is cut: it is then only for people.
 *
 * ```ts
 * encodeLabel('github_app/acme'); // 'github_5fapp_2facme'
 * ```
 */
export function encodeLabel(text: string): string {
  const hex = (byte: number) => `_${byte.toString(16).padStart(2, '0')}`;
  const encoded = text.replace(/[^a-z0-9-]/gu, (one) => [...Buffer.from(one)].map(hex).join(''));
  return encoded.slice(0, 63);
}

/** What {@link encodeLabel} made of a text that was not too long. */
export function decodeLabel(value: string): string {
  const bytes = value.match(/_[0-9a-f]{2}|[^_]+/g) ?? [];
  return Buffer.concat(bytes.map((one) => (one.startsWith('_') ? Buffer.from(one.slice(1), 'hex') : Buffer.from(one)))).toString();
}

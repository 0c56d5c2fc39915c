import type { ApiKey } from '@murmur/api';

import { renderTime } from './time.js';

/** The columns of a list of API keys. */
export const apiKeyHeaders = ['id', 'subject', 'key', 'created', 'expires', 'revoked', 'author', 'description'] as const;

/** One key as a row below {@link apiKeyHeaders}. */
export function apiKeyRow(key: ApiKey): string[] {
  const { id, subject, masked, createTime, expireTime, revokeTime, author, description } = key;
  return [id, subject, masked, renderTime(createTime), renderTime(expireTime), renderTime(revokeTime), author, description];
}

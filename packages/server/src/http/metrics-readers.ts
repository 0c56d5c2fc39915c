import { isLoopback } from '@murmur/api';

import { accessOf } from '../access/access.js';
import { missingPermission } from '../access/denials.js';
import type { Identity } from '../access/identity.js';
import type { Database } from '../database/tables.js';
import { type AnyRequest, addressOf } from './connections.js';
import { namesThisMachine } from './guards/host-names.js';

/** Headers of those who ask for somebody else. */
const forwarding = ['forwarded', 'via', 'x-forwarded-for', 'x-real-ip'];

/**
 * Throws unless a request may read the server's measurements: from this machine itself, and not through a proxy on it or a
 * page in its browser; or with a key that holds `metrics.read`.
 */
export async function requireMetricsReader(
  database: Database,
  request: AnyRequest,
  identify: (request: AnyRequest) => Promise<Identity>,
): Promise<void> {
  const isOwn = isLoopback(addressOf(request)) && namesThisMachine(request) && !forwarding.some((name) => name in request.headers);
  if (isOwn && request.headers.authorization === undefined) return;
  const access = await accessOf({ database, localTenants: [] }, await identify(request));
  if (!access.namesFor(metricsPermission).includes('*')) throw missingPermission(metricsPermission);
}

/** Who holds it may read how the server does. */
export const metricsPermission = 'metrics.read';

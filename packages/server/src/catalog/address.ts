import { builtinPrefix, MurmurError } from '@murmur/api';

import { PLATFORM_TENANT, type Permits, type Reader } from './context.js';
import type { Kind } from './kind.js';
import type { Address } from './targets.js';

export type { Address };

/**
 * The one resource a name can mean to a tenant: a builtin or its own. Undefined when the tenant must not see it. Kinds that
 * only the platform writes take their names without the builtins' prefix too.
 */
export function addressOf(kind: Kind, { permits, tenant }: Reader, name: string): Address | undefined {
  // The database cannot be asked for it.
  if (name.includes('\0')) return undefined;
  if (kind.naming === 'variable') return { tenant, kind: kind.name, name };
  const full = kind.writers === 'platform' && !name.startsWith(builtinPrefix) ? `${builtinPrefix}${name}` : name;
  if (!full.startsWith(builtinPrefix)) return { tenant, kind: kind.name, name };
  return seesBuiltins(kind, permits) ? { tenant: PLATFORM_TENANT, kind: kind.name, name: full } : undefined;
}

/** Whether the kind's builtins are there for a caller. */
export function seesBuiltins(kind: Kind, permits: Permits): boolean {
  return kind.builtinsOnHost !== true || permits.usesHost;
}

/** Where a tenant may write this name. Throws PERMISSION_DENIED for the platform's own names and kinds. */
export function writableAddress(kind: Kind, tenant: string, name: string): Address {
  const isBuiltinName = kind.naming !== 'variable' && name.startsWith(builtinPrefix);
  if (isBuiltinName || kind.writers === 'platform') {
    throw new MurmurError('PERMISSION_DENIED', `"${name}" is a platform builtin and cannot be modified`, {
      hint:
        kind.writers === 'platform'
          ? `The platform defines every ${kind.name}; list them with "murmur get ${kind.name}".`
          : `Names that start with "${builtinPrefix}" are the platform's own. Choose another name.`,
    });
  }
  if (name.includes('\0')) throw new MurmurError('INVALID_ARGUMENT', 'name must not contain NUL characters');
  return { tenant, kind: kind.name, name };
}

/** NOT_FOUND in the words used for every kind. */
export function notFound(kind: string, name: string, cause?: unknown): MurmurError {
  return new MurmurError('NOT_FOUND', `${kind} "${name}" not found`, { cause, hint: `Check the name with "murmur get ${kind}".` });
}

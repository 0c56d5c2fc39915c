import { useQuery } from '@connectrpc/connect-query';
import { MurmurService } from '@murmur/api';
import { type ReactNode, useId } from 'react';

import { shownText } from './shown-text.js';

/** Whether the caller holds a permission, for a resource such as `recipe/tools` or for all; undefined before that is known. */
export function usePermission(permission: string, resource = ''): { readonly allowed: boolean; readonly reason: string } | undefined {
  const { data } = useQuery(MurmurService.method.checkPermissions, { permissions: [permission], resource }, { staleTime: 30_000 });
  return data?.checks[0];
}

/** Offers what the caller may do; otherwise says, when asked, why it is not offered. */
export function Allowed(props: {
  readonly to: string;
  readonly permission: string;
  readonly resource?: string;
  readonly children: ReactNode;
}): ReactNode {
  const { children, permission, resource = '', to } = props;
  const id = useId();
  const check = usePermission(permission, resource);
  if (check === undefined) return null;
  if (check.allowed) return children;
  return (
    <>
      <button
        type="button"
        popoverTarget={id}
        className="rounded px-1 text-xs text-ink-3 underline decoration-dotted underline-offset-3 hover:text-ink"
      >
        You may not {to}
      </button>
      <div id={id} popover="auto" className="panel m-auto max-w-sm p-4 text-ink shadow-xl">
        <p className="font-medium">
          It takes <code className="font-mono text-xs">{permission}</code>
          {resource === '' ? '' : ` for ${shownText(resource)}`}
        </p>
        <p className="foreign mt-1 text-ink-2">{shownText(check.reason)}</p>
      </div>
    </>
  );
}

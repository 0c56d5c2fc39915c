import { useMutation } from '@connectrpc/connect-query';
import { MurmurService, type Resource } from '@murmur/api';
import { Link, useNavigate } from '@tanstack/react-router';
import type { ReactNode } from 'react';

import { queries } from '../app/transport.js';
import { Allowed } from '../parts/allowed.js';
import { buttonLook } from '../parts/button.js';
import { Confirm } from '../parts/confirm.js';
import { Fault } from '../parts/fault.js';
import { resourcePath } from './kind-title.js';

/** Edit, history, delete: as far as the caller may, and the resource is not the platform's own. */
export function ResourceActions({ resource: { builtin, generation, kind, name } }: { readonly resource: Resource }): ReactNode {
  const navigate = useNavigate();
  const { error, isPending, mutate } = useMutation(MurmurService.method.removeResource, {
    onSuccess() {
      void queries.invalidateQueries();
      void navigate({ to: resourcePath(kind, '').replace(/\/$/, '') });
    },
  });
  return (
    <>
      {error === null ? null : <Fault error={error} />}
      <Link to="/history/$kind/$name" params={{ kind, name }} className={buttonLook()}>
        History
      </Link>
      {builtin || kind === 'secret' ? null : (
        <Allowed to={`change this ${kind.replaceAll('-', ' ')}`} permission={`${kind}.edit`} resource={`${kind}/${name}`}>
          <Link to="/edit/$kind/$name" params={{ kind, name }} className={buttonLook()}>
            Edit
          </Link>
        </Allowed>
      )}
      {builtin ? null : (
        <Allowed to={`delete this ${kind.replaceAll('-', ' ')}`} permission={`${kind}.delete`} resource={`${kind}/${name}`}>
          <Confirm
            label="Delete"
            title={`Delete ${name}?`}
            about="What names it keeps the server from deleting it. Its history stays and says who removed it."
            confirm="Delete it"
            weight="danger"
            disabled={isPending}
            onConfirm={() => mutate({ kind, name, ifGeneration: generation })}
          />
        </Allowed>
      )}
    </>
  );
}

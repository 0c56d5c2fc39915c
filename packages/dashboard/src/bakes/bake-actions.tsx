import { useMutation } from '@connectrpc/connect-query';
import { type Bake, MurmurService, StartBakeResponse_Outcome as Outcome } from '@murmur/api';
import { useNavigate } from '@tanstack/react-router';
import { type ReactNode, useState } from 'react';

import { Allowed } from '../parts/allowed.js';
import { Button } from '../parts/button.js';
import { Confirm } from '../parts/confirm.js';
import { Fault } from '../parts/fault.js';
import { isLive } from '../parts/phase.js';

/** What can be done with a bake: end it while it goes on, and do it again afterwards. */
export function BakeActions({ bake }: { readonly bake: Bake }): ReactNode {
  const resource = `recipe/${bake.recipe}`;
  return isLive(bake.phase) ? (
    <Allowed to="cancel this bake" permission="recipe.edit" resource={resource}>
      <Cancel runId={bake.runId} />
    </Allowed>
  ) : (
    <Allowed to="bake this recipe" permission="recipe.edit" resource={resource}>
      <Again bake={bake} />
    </Allowed>
  );
}

function Cancel({ runId }: { readonly runId: string }): ReactNode {
  const { error, isPending, isSuccess, mutate } = useMutation(MurmurService.method.cancelBake);
  if (isSuccess) return <span className="text-ink-2">Cancelling…</span>;
  return (
    <>
      {error === null ? null : <Fault error={error} />}
      <Confirm
        label="Cancel bake"
        title="Cancel this bake?"
        about="Its machine is removed and no image is made. Another bake starts from the beginning."
        confirm="Cancel the bake"
        weight="danger"
        disabled={isPending}
        onConfirm={() => mutate({ runId })}
      />
    </>
  );
}

function Again({ bake: { environment, placement, recipe } }: { readonly bake: Bake }): ReactNode {
  const navigate = useNavigate();
  const [said, setSaid] = useState('');
  const { error, isPending, mutate } = useMutation(MurmurService.method.startBake, {
    onSuccess({ imageName, outcome, runId }) {
      if (outcome === Outcome.CACHED) setSaid(`Nothing has changed: image ${imageName} is cached.`);
      else void navigate({ to: '/bakes/$run', params: { run: runId } });
    },
  });
  const start = (forceNew: boolean): void => mutate({ recipe, environment, placement, forceNew });
  return (
    <>
      {error === null ? null : <Fault error={error} />}
      <span role="status" className="text-good">
        {said}
      </span>
      {said === '' ? null : (
        <Button disabled={isPending} onClick={() => start(true)}>
          Build it anew
        </Button>
      )}
      <Button weight="main" disabled={isPending} onClick={() => start(false)}>
        Bake again
      </Button>
    </>
  );
}

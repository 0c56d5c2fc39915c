import { useMutation, useQuery } from '@connectrpc/connect-query';
import { MurmurService } from '@murmur/api';
import { type ReactNode, useRef, useState } from 'react';

import { queries } from '../app/transport.js';
import { usePermission } from '../parts/allowed.js';
import { Button } from '../parts/button.js';
import { Command } from '../parts/copy.js';
import { Dialog } from '../parts/dialog.js';
import { Fault } from '../parts/fault.js';
import { NameFilter } from '../parts/name-filter.js';

/** Lets a workspace run an image from now on. */
export function Pin({ image }: { readonly image: string }): ReactNode {
  const dialog = useRef<HTMLDialogElement>(null);
  const [workspace, setWorkspace] = useState('');
  const [said, setSaid] = useState('');
  const { data } = useQuery(MurmurService.method.getResource, { kind: 'workspace', name: workspace }, { enabled: workspace !== '' });
  const may = usePermission('workspace.edit', workspace === '' ? '' : `workspace/${workspace}`);
  const { error, isPending, mutate } = useMutation(MurmurService.method.patchResource, {
    onSuccess() {
      setSaid(`${workspace} runs this image from now on.`);
      void queries.invalidateQueries();
    },
  });
  const current = data?.resource?.spec.case === 'workspace' ? data.resource.spec.value.imageRef : '';
  const pin = (): void =>
    mutate({
      kind: 'workspace',
      name: workspace,
      fields: [{ path: 'image_ref', value: { case: 'text', value: image } }],
      // Whoever changed the workspace meanwhile had a reason.
      ...(data?.resource === undefined ? {} : { ifGeneration: data.resource.generation }),
    });
  return (
    <>
      <Button weight="main" onClick={() => dialog.current?.showModal()}>
        Pin in workspace
      </Button>
      <Dialog ref={dialog} title="Pin in a workspace">
        <div className="flex flex-col gap-3">
          <NameFilter
            label="Workspace"
            kind="workspace"
            none="Choose one"
            value={workspace}
            onChange={(value) => {
              setSaid('');
              setWorkspace(value);
            }}
          />
          {current === '' ? null : (
            <p className="foreign text-ink-2">
              It runs <code className="font-mono text-xs text-ink">{current}</code>
              {current === image ? ', which is this image.' : ' now.'}
            </p>
          )}
          {workspace !== '' && may?.allowed === false ? <p className="foreign text-busy">You may not change it: {may.reason}</p> : null}
          {error === null ? null : <Fault error={error} />}
          <p role="status" className="text-good empty:hidden">
            {said}
          </p>
          {workspace === '' ? null : <Command line={`murmur patch workspace ${workspace} --set image_ref=${image}`} />}
          <div className="flex justify-end gap-2">
            <Button onClick={() => dialog.current?.close()}>Close</Button>
            <Button weight="main" disabled={workspace === '' || isPending || current === image || may?.allowed !== true} onClick={pin}>
              Pin
            </Button>
          </div>
        </div>
      </Dialog>
    </>
  );
}

import { useMutation } from '@connectrpc/connect-query';
import { MurmurService } from '@murmur/api';
import { type ReactNode, useRef, useState } from 'react';

import { queries } from '../app/transport.js';
import { Button } from '../parts/button.js';
import { Command } from '../parts/copy.js';
import { Dialog } from '../parts/dialog.js';
import { Fault } from '../parts/fault.js';

const field = 'min-h-8 rounded-md border border-line-strong bg-panel px-2.5 text-[0.8125rem] text-ink';
const caption = 'flex flex-col gap-0.5 text-2xs text-ink-3';

/** Makes a key and shows its token this once. */
export function NewKey(): ReactNode {
  const dialog = useRef<HTMLDialogElement>(null);
  const [subject, setSubject] = useState('');
  const [description, setDescription] = useState('');
  const [expiresIn, setExpiresIn] = useState('720h');
  const { data, error, isPending, mutate, reset } = useMutation(MurmurService.method.createApiKey, {
    onSuccess: () => void queries.invalidateQueries(),
  });
  const close = (): void => {
    // The token goes with the window that showed it.
    reset();
    dialog.current?.close();
  };
  return (
    <>
      <Button weight="main" onClick={() => dialog.current?.showModal()}>
        New key
      </Button>
      <Dialog ref={dialog} title="New API key">
        {data === undefined ? (
          <form
            className="flex flex-col gap-3"
            onSubmit={(event) => {
              event.preventDefault();
              mutate({ subject: subject.trim(), description, expiresIn: expiresIn.trim() });
            }}
          >
            <label className={caption}>
              Whom it speaks for: a user, or service-profile/NAME
              <input required value={subject} onChange={({ target }) => setSubject(target.value)} className={field} spellCheck={false} />
            </label>
            <label className={caption}>
              What it is for
              <input value={description} onChange={({ target }) => setDescription(target.value)} className={field} />
            </label>
            <label className={caption}>
              How long it is valid, such as 720h; empty for as long as nobody revokes it
              <input value={expiresIn} onChange={({ target }) => setExpiresIn(target.value)} className={field} spellCheck={false} />
            </label>
            {error === null ? null : <Fault error={error} />}
            <div className="flex justify-end gap-2">
              <Button onClick={close}>Close</Button>
              <Button type="submit" weight="main" disabled={isPending}>
                Make the key
              </Button>
            </div>
          </form>
        ) : (
          <div className="flex flex-col gap-3">
            <p className="text-ink-2">Copy it now: the server keeps no copy and cannot show it again.</p>
            <Command line={data.token} />
            <Button weight="main" className="self-end" onClick={close}>
              I have it
            </Button>
          </div>
        )}
      </Dialog>
    </>
  );
}

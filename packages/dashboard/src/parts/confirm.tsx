import { type ReactNode, useRef } from 'react';

import { Button, type Weight } from './button.js';
import { Dialog } from './dialog.js';

/** A button that asks once more before it does something that cannot be undone. */
export function Confirm(props: {
  readonly label: string;
  readonly title: string;
  readonly about: string;
  readonly confirm: string;
  readonly weight?: Weight;
  readonly disabled?: boolean;
  readonly onConfirm: () => void;
}): ReactNode {
  const { about, confirm, disabled = false, label, onConfirm, title, weight = 'plain' } = props;
  const dialog = useRef<HTMLDialogElement>(null);
  return (
    <>
      <Button weight={weight} disabled={disabled} onClick={() => dialog.current?.showModal()}>
        {label}
      </Button>
      <Dialog ref={dialog} title={title}>
        <p className="text-ink-2">{about}</p>
        <div className="mt-5 flex justify-end gap-2">
          <Button onClick={() => dialog.current?.close()}>Go back</Button>
          <Button
            weight={weight}
            onClick={() => {
              dialog.current?.close();
              onConfirm();
            }}
          >
            {confirm}
          </Button>
        </div>
      </Dialog>
    </>
  );
}

import { useMutation, useQuery } from '@connectrpc/connect-query';
import { MurmurError, MurmurService } from '@murmur/api';
import { useBlocker, useNavigate } from '@tanstack/react-router';
import { type ReactNode, useRef, useState } from 'react';
import { parse } from 'yaml';

import { resourcePath } from '../catalog/kind-title.js';
import { queries } from '../app/transport.js';
import { Button } from '../parts/button.js';
import { Fault } from '../parts/fault.js';
import { shownText } from '../parts/shown-text.js';
import { DiffView } from './diff-view.js';
import { dryRun } from './dry-run.js';
import type { LineFault } from './line-faults.js';
import { YamlEditor } from './yaml-editor.js';

/** The newest generation of a document there is; generation 0 is none. */
export interface NewestDocument {
  readonly generation: bigint;
  readonly author: string;
  readonly text: string;
}

/** A document in the editor, and the way to store it without writing over what somebody else has stored meanwhile. */
export function DocumentForm({ kind, newest }: { readonly kind: string; readonly newest: NewestDocument }): ReactNode {
  const navigate = useNavigate();
  const [base, setBase] = useState(newest);
  const [text, setText] = useState(newest.text);
  const [faults, setFaults] = useState<readonly LineFault[]>([]);
  const { data: described } = useQuery(MurmurService.method.describeKinds, { kind }, { staleTime: Infinity });
  const { error, isPending, mutate } = useMutation(MurmurService.method.setResource, {
    onSuccess({ resource }) {
      done.current = true;
      void queries.invalidateQueries();
      if (resource !== undefined) void navigate({ to: resourcePath(kind, resource.name) });
    },
    onError: () => void queries.invalidateQueries(),
  });
  const done = useRef(false);
  const isChanged = text !== base.text;
  useBlocker({
    shouldBlockFn: () => isChanged && !done.current && !window.confirm('Leave without saving?'),
    enableBeforeUnload: () => isChanged && !done.current,
  });

  const save = (generation = base.generation): void => mutate({ kind, name: nameIn(text), document: text, ifGeneration: generation });
  const check = async (written: string): Promise<readonly LineFault[]> => {
    const found = await dryRun(kind, written);
    setFaults(found);
    return found;
  };
  const isOvertaken = newest.generation !== base.generation;
  const isRefused = error !== null && MurmurError.from(error).code === 'ABORTED';

  return (
    <>
      {error === null || isRefused ? null : (
        <div className="mb-4">
          <Fault error={error} />
        </div>
      )}
      {isOvertaken ? (
        <Overtaken
          base={base}
          newest={newest}
          mine={text}
          onTake={() => {
            setBase(newest);
            setText(newest.text);
          }}
          onReplace={() => {
            setBase({ ...newest, text: base.text });
            save(newest.generation);
          }}
        />
      ) : null}
      <div className="panel mb-4 overflow-hidden">
        <YamlEditor
          key={String(base.generation)}
          initial={base.text}
          label={`Document of the ${kind}`}
          fields={described?.kinds[0]?.fields ?? []}
          check={check}
          onChange={setText}
          onSave={() => save()}
        />
      </div>
      <ul aria-label="Faults" aria-live="polite" className="mb-4 flex flex-col gap-1 empty:hidden">
        {faults.map(({ line, message }) => (
          <li key={`${line} ${message}`} className="foreign whitespace-pre-line text-bad">
            Line {line}: {shownText(message)}
          </li>
        ))}
      </ul>
      <div className="flex justify-end gap-2">
        <Button weight="main" disabled={isPending || isOvertaken} onClick={() => save()}>
          {isPending ? 'Saving…' : 'Save'}
        </Button>
      </div>
    </>
  );
}

/** Somebody else was faster: both texts, and what to do. */
function Overtaken(props: {
  readonly base: NewestDocument;
  readonly newest: NewestDocument;
  readonly mine: string;
  readonly onTake: () => void;
  readonly onReplace: () => void;
}): ReactNode {
  const { base, mine, newest, onReplace, onTake } = props;
  return (
    <section role="alert" aria-label="Changed meanwhile" className="mb-4 overflow-hidden rounded-lg border border-busy/50">
      <div className="flex flex-wrap items-center justify-between gap-3 bg-busy-soft px-4 py-3">
        <p className="foreign min-w-0 flex-1 basis-64 text-busy">
          {shownText(newest.author)} has stored generation {String(newest.generation)} while you were editing generation{' '}
          {String(base.generation)}. Nothing of theirs is written over unless you say so.
        </p>
        <div className="flex flex-wrap gap-2">
          <Button onClick={onTake}>Take theirs</Button>
          <Button weight="danger" onClick={onReplace}>
            Replace it with mine
          </Button>
        </div>
      </div>
      <DiffView before={newest.text} after={mine} language="yaml" labels={['Theirs, as stored', 'Yours, as written here']} />
    </section>
  );
}

/** The name that a document gives itself; the server says what is wrong with one that has none. */
function nameIn(text: string): string {
  try {
    const value: unknown = parse(text, { logLevel: 'silent' });
    return typeof value === 'object' && value !== null && 'name' in value ? String(value.name) : '';
  } catch {
    return '';
  }
}

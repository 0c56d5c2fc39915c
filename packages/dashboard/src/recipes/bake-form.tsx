import { useMutation } from '@connectrpc/connect-query';
import { MurmurService, type Recipe, type StartBakeResponse, StartBakeResponse_Outcome as Outcome } from '@murmur/api';
import { useNavigate } from '@tanstack/react-router';
import { type ReactNode, useRef, useState } from 'react';

import { Button } from '../parts/button.js';
import { Command } from '../parts/copy.js';
import { Dialog } from '../parts/dialog.js';
import { Fault } from '../parts/fault.js';
import { NameFilter } from '../parts/name-filter.js';
import { type Variable, Variables } from './variables.js';

/** A button that opens the form for a bake of a recipe, which says what would happen before it happens. */
export function BakeForm({ recipe }: { readonly recipe: Recipe }): ReactNode {
  const dialog = useRef<HTMLDialogElement>(null);
  const navigate = useNavigate();
  const [environment, setEnvironment] = useState('');
  const [placement, setPlacement] = useState('');
  const [variables, setVariables] = useState<readonly Variable[]>([]);
  const [forceNew, setForce] = useState(false);
  const plan = useMutation(MurmurService.method.startBake);
  const start = useMutation(MurmurService.method.startBake, {
    onSuccess({ imageName, outcome, runId }) {
      if (outcome === Outcome.CACHED) void navigate({ to: '/images/$name', params: { name: imageName } });
      else void navigate({ to: '/bakes/$run', params: { run: runId } });
    },
  });
  const request = {
    recipe: recipe.name,
    environment,
    placement,
    forceNew,
    variables: Object.fromEntries(variables.filter(({ name }) => name !== '').map(({ name, value }) => [name, value])),
  };
  const change =
    <Value,>(set: (value: Value) => void) =>
    (value: Value): void => {
      plan.reset();
      start.reset();
      set(value);
    };
  const isComplete = environment !== '' && placement !== '';
  const error = start.error ?? plan.error;
  return (
    <>
      <Button weight="main" onClick={() => dialog.current?.showModal()}>
        Bake
      </Button>
      <Dialog ref={dialog} title={`Bake ${recipe.name}`}>
        <form
          method="dialog"
          onSubmit={(event) => {
            event.preventDefault();
            if (plan.data === undefined) plan.mutate({ ...request, planOnly: true });
            else start.mutate(request);
          }}
          className="flex flex-col gap-3.5"
        >
          <NameFilter
            label="Environment: the machine’s shape"
            kind="environment"
            none="Choose one"
            value={environment}
            onChange={change(setEnvironment)}
          />
          <NameFilter
            label="Placement: where to bake"
            kind="placement"
            none="Choose one"
            value={placement}
            onChange={change(setPlacement)}
          />
          <Variables of={variables} allowed={recipe.secretAllowlist} onChange={change(setVariables)} />
          <label className="flex items-start gap-2">
            <input type="checkbox" checked={forceNew} onChange={({ target }) => change(setForce)(target.checked)} className="mt-1" />
            <span>
              Build anew
              <span className="block text-xs text-ink-3">although an image of the same may exist</span>
            </span>
          </label>
          {error === null ? null : <Fault error={error} />}
          {plan.data === undefined ? null : <Plan plan={plan.data} />}
          {isComplete ? <Command line={lineOf(request)} /> : null}
          <div className="flex justify-end gap-2">
            <Button onClick={() => dialog.current?.close()}>Close</Button>
            <Button type="submit" weight="main" disabled={!isComplete || plan.isPending || start.isPending}>
              {plan.data === undefined ? 'Show the plan' : plan.data.outcome === Outcome.CACHED ? 'Go to the image' : 'Start the bake'}
            </Button>
          </div>
        </form>
      </Dialog>
    </>
  );
}

function Plan({ plan: { imageHash, imageName, outcome } }: { readonly plan: StartBakeResponse }): ReactNode {
  const words =
    outcome === Outcome.CACHED
      ? 'Nothing has changed: the image exists already.'
      : outcome === Outcome.IN_PROGRESS
        ? 'The same is being baked right now; you would join it.'
        : 'A machine would run the script and become a new image.';
  return (
    <div role="status" className="rounded-md bg-accent-soft px-3.5 py-2.5">
      <p className="font-medium">{words}</p>
      <p className="foreign mt-1 font-mono text-xs">{imageName}</p>
      <p className="foreign font-mono text-2xs text-ink-2">{imageHash}</p>
    </div>
  );
}

/** Values are not in it: a command that is copied would carry them to a shell's history. */
function lineOf({
  environment,
  forceNew,
  placement,
  recipe,
  variables,
}: {
  readonly recipe: string;
  readonly environment: string;
  readonly placement: string;
  readonly forceNew: boolean;
  readonly variables: Readonly<Record<string, string>>;
}): string {
  const flags = [...(forceNew ? ['--force-new'] : []), ...Object.keys(variables).flatMap((name) => ['-e', name])];
  return ['murmur bake', ...flags, recipe, environment, placement].join(' ');
}

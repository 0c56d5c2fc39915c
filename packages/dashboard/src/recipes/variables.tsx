import type { ReactNode } from 'react';

import { Button } from '../parts/button.js';

/** A variable of one bake. */
export interface Variable {
  readonly name: string;
  readonly value: string;
}

/** Variables for one bake alone: secrets, so their values are not shown. */
export function Variables(props: {
  readonly of: readonly Variable[];
  readonly allowed: readonly string[];
  readonly onChange: (variables: readonly Variable[]) => void;
}): ReactNode {
  const { allowed, of, onChange } = props;
  const set = (index: number, changed: Partial<Variable>): void =>
    onChange(of.map((one, at) => (at === index ? { ...one, ...changed } : one)));
  const input = 'min-h-8 min-w-0 flex-1 rounded-md border border-line-strong bg-panel px-2 font-mono text-xs';
  return (
    <fieldset className="flex flex-col gap-1.5">
      <legend className="text-2xs text-ink-3">Variables, as secrets of this bake alone</legend>
      <datalist id="allowed-variables">
        {allowed.map((name) => (
          <option key={name} value={name} />
        ))}
      </datalist>
      {of.map(({ name, value }, index) => (
        <div key={index} className="flex gap-1.5">
          <input
            aria-label={`Name of variable ${index + 1}`}
            list="allowed-variables"
            placeholder="NAME"
            value={name}
            onChange={({ target }) => set(index, { name: target.value })}
            className={input}
          />
          <input
            aria-label={`Value of variable ${index + 1}`}
            type="password"
            autoComplete="off"
            placeholder="value"
            value={value}
            onChange={({ target }) => set(index, { value: target.value })}
            className={input}
          />
          <Button weight="quiet" aria-label={`Remove variable ${index + 1}`} onClick={() => onChange(of.filter((_, at) => at !== index))}>
            Remove
          </Button>
        </div>
      ))}
      <Button className="self-start" onClick={() => onChange([...of, { name: '', value: '' }])}>
        Add a variable
      </Button>
    </fieldset>
  );
}

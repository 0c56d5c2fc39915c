import { useQuery } from '@connectrpc/connect-query';
import { MurmurService, SortOrder } from '@murmur/api';
import { type ReactNode, useId } from 'react';

/** Chooses one of the names of a kind, or none. */
export function NameFilter(props: {
  readonly label: string;
  readonly kind: string;
  readonly value: string;
  readonly onChange: (value: string) => void;
  /** What stands for none; `All` unless given. */
  readonly none?: string;
}): ReactNode {
  const { kind, label, none = 'All', onChange, value } = props;
  const id = useId();
  const { data } = useQuery(MurmurService.method.listResources, { kind, sort: SortOrder.NAME, pageSize: 1000 });
  const names = data?.resources.map(({ name }) => name) ?? [];
  return (
    <span className="flex flex-col gap-0.5">
      <label htmlFor={id} className="text-2xs text-ink-3">
        {label}
      </label>
      <select
        id={id}
        value={value}
        onChange={({ target }) => onChange(target.value)}
        className="min-h-8 max-w-56 rounded-md border border-line-strong bg-panel px-2 text-[0.8125rem]"
      >
        <option value="">{none}</option>
        {[...new Set([...names, ...(value === '' ? [] : [value])])].map((name) => (
          <option key={name}>{name}</option>
        ))}
      </select>
    </span>
  );
}

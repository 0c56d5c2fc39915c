import { type DescMessage, type Message } from '@bufbuild/protobuf';
import { type Resource, specOf } from '@murmur/api';
import type { ReactNode } from 'react';

import { Facts } from '../parts/facts.js';
import { Section } from '../parts/page.js';
import { ResourceLink } from '../parts/resource-link.js';

/** Fields that name a resource of another kind, by how their names end. */
const endings: readonly (readonly [RegExp, string])[] = [
  [/^base_image_.*_ref$|^image_ref$/, 'image'],
  [/^machine_type_ref$/, 'machine-type'],
  [/^disk_type_ref$/, 'disk-type'],
  [/^environment_ref$/, 'environment'],
  [/^role_ref$/, 'role'],
  [/^placement$/, 'placement'],
  [/^secret_refs$|^secret_allowlist$/, 'secret'],
  [/^groups$/, 'group'],
];

/** What a resource names in the catalog, as links. */
export function References({ resource }: { readonly resource: Resource }): ReactNode {
  const spec = specOf(resource);
  const named = spec === undefined ? [] : namesIn(spec.schema, spec.message);
  if (named.length === 0) return null;
  return (
    <Section title="Names">
      <Facts
        of={named.map(([field, kind, names]) => [
          field,
          <span className="flex flex-wrap gap-x-3">
            {names.map((name) => (
              <ResourceLink key={name} kind={kind} name={name} />
            ))}
          </span>,
        ])}
      />
    </Section>
  );
}

function namesIn(schema: DescMessage, message: Message): (readonly [string, string, readonly string[]])[] {
  const values = message as unknown as Readonly<Record<string, unknown>>;
  return schema.fields.flatMap((field): (readonly [string, string, readonly string[]])[] => {
    const [, kind] = endings.find(([pattern]) => pattern.test(field.name)) ?? [];
    const value = values[field.localName];
    const all: readonly unknown[] = Array.isArray(value) ? value : [value];
    const names = all.filter((name): name is string => typeof name === 'string' && name !== '');
    return kind === undefined || names.length === 0 ? [] : [[field.name.replaceAll('_', ' '), kind, names]];
  });
}

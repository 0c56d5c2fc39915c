import { MurmurError } from '@murmur/api';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import type { FieldDocumentation } from './kind.js';
import { kindNamed } from './kinds/index.js';
import { plainDocument, withoutField } from './testing-documents.js';
import { type TestCatalog, refusal, testCatalog } from './testing.js';

/** A documented error and a write that produces it. */
export interface ErrorCase {
  /** The error as its kind's table has it, code first. */
  readonly documented: string;
  /** The error this case ends with, when it names values; its code is that of the table. */
  readonly message?: string;
  /** A document to set; its name is that of {@link KindSuite.named} unless given. */
  readonly document?: string;
  readonly name?: string;
  /** What is tried instead of setting the document. */
  readonly attempt?: (catalog: TestCatalog) => Promise<unknown>;
}

/** What {@link describeKind} needs to know about a kind. */
export interface KindSuite {
  readonly kind: string;
  /** Creates what the documents refer to. */
  readonly prepare?: (catalog: TestCatalog) => Promise<void>;
  /** The name in every document. */
  readonly named: string;
  /** Documents that are accepted. */
  readonly accepted: readonly string[];
  /** At least one for each row of the kind's error table. */
  readonly errors: readonly ErrorCase[];
}

/** What holds for every kind that tenants write: documents come back as they were set, and every documented error occurs. */
export function describeKind({ kind, prepare, named, accepted, errors }: KindSuite): void {
  describe(kind, () => {
    let catalog: TestCatalog;
    beforeAll(async () => {
      catalog = await testCatalog();
      await prepare?.(catalog);
    });
    afterAll(async () => catalog.close());

    test.each(accepted)('prints what it accepts so that it is accepted unchanged: %#', async (document) => {
      await catalog.set(kind, named, document);
      const printed = await catalog.print(kind, named);
      const { resource, changed } = await catalog.set(kind, named, printed);
      expect(changed).toBe(false);
      expect(resource.generation).toBe((await catalog.get(kind, named)).generation);
      expect(await catalog.print(kind, named)).toBe(printed);
      await catalog.remove(kind, named);
    });

    test.each(errors)('refuses with $documented: %#', async ({ documented, message, document, name, attempt }) => {
      const before = await contents(catalog, kind);
      const error = await refusal(attempt?.(catalog) ?? catalog.set(kind, name ?? named, document ?? ''));
      const [code = '', ...text] = documented.split(': ');
      expect(`${error.code}: ${error.message}`).toBe(`${code}: ${message ?? text.join(': ')}`);
      const row = Object.values(kindNamed(kind).errors).find((candidate) => candidate.documented === text.join(': '));
      expect(error.hint).toBe(row?.hint);
      expect(await contents(catalog, kind)).toEqual(before);
    });

    test('has a case for every error it documents', () => {
      const rows = Object.values(kindNamed(kind).errors).map(({ code, documented }) => `${code}: ${documented}`);
      expect(new Set(errors.map(({ documented }) => documented))).toEqual(new Set(rows));
    });

    const definition = kindNamed(kind);
    const documents = [definition.example, ...accepted].map((text) => plainDocument(definition, text));
    // What produced an image is written by bakes alone.
    const written = definition.fields.filter(({ path }) => !/\bprovenance\b/.test(path));

    test.each(written)('$path is needed as documented: $required', async ({ path, required }) => {
      const found = documents.flatMap((document) => withoutField(document, path) ?? []);
      expect(found).not.toEqual([]);
      for (const { document, path: left } of found) {
        const faults = await faultsOf(catalog, kind, nameIn(document) ?? named, document);
        expect({ left, faults, asDocumented: fits(required, faults, left) }).toMatchObject({ asDocumented: true });
      }
    });

    test.each(written.flatMap(limitOf))('$path takes as much as documented and no more: $text', async ({ path, most }) => {
      const [document = {}] = documents;
      const fill = path === 'name' ? 'A' : 'x';
      const set = async (length: number) => {
        const filled = { ...document, [path]: fill.repeat(length) };
        return catalog.set(kind, nameIn(filled) ?? named, JSON.stringify(filled));
      };
      const { resource } = await set(most);
      await catalog.remove(kind, resource.name);
      expect((await refusal(set(most + 1))).faults).toContainEqual(expect.objectContaining({ path }));
    });

    test('accepts its own example once what it refers to exists', async () => {
      const { example } = kindNamed(kind);
      const name = /^name: (\S+)$/m.exec(example)?.[1] ?? '';
      await catalog.set(kind, name, example);
      expect((await catalog.set(kind, name, example)).changed).toBe(false);
      await catalog.remove(kind, name);
    });
  });
}

/** The fields at fault when the document is set. One that is accepted is removed again. */
async function faultsOf(catalog: TestCatalog, kind: string, name: string, document: unknown): Promise<(string | undefined)[]> {
  try {
    await catalog.set(kind, name, JSON.stringify(document));
  } catch (error) {
    return MurmurError.from(error).faults.map(({ path }) => path);
  }
  await catalog.remove(kind, name);
  return [];
}

/** Whether leaving out a field ends as its documentation says. A condition is in its description, for people. */
function fits(required: FieldDocumentation['required'], faults: readonly (string | undefined)[], path: string): boolean {
  if (required === 'no') return faults.length === 0;
  if (required === 'yes') return faults.includes(path);
  return required === 'conditional' || faults.length > 0;
}

function nameIn(document: Record<string, unknown>): string | undefined {
  return typeof document['name'] === 'string' ? document['name'] : undefined;
}

/** The limit that a field's description tells of. */
function limitOf({ path, description }: FieldDocumentation): { path: string; most: number; text: string }[] {
  const [text, count, unit] = /\bMax (\d+) (bytes|KiB|characters)\b/.exec(description) ?? [];
  return text === undefined ? [] : [{ path, most: Number(count) * (unit === 'KiB' ? 1024 : 1), text }];
}

async function contents({ database }: TestCatalog, kind: string): Promise<unknown> {
  const { database: queryable } = database;
  return {
    resources: await queryable.selectFrom('resources').selectAll().where('kind', '=', kind).orderBy('ordinal').execute(),
    generations: await queryable.selectFrom('resource_generations').select(['name', 'generation']).where('kind', '=', kind).execute(),
    references: await queryable.selectFrom('resource_references').selectAll().where('kind', '=', kind).orderBy('path').execute(),
  };
}

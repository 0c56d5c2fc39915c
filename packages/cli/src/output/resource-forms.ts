import type { Resource } from '@murmur/api';

import type { ResourceList } from '../client/list-all.js';
import type { Context } from '../context.js';
import { usageError } from '../failure.js';
import { renderTable } from './table.js';
import { renderSeconds, secondsBetween } from './time.js';

const forms = ['table', 'wide', 'name', 'yaml', 'json'] as const;

/** How to print resources. */
export type ResourceForm = { readonly form: (typeof forms)[number] } | { readonly form: 'jsonpath'; readonly path: string };

/** Reads what follows `-o`. */
export function resourceForm(written: string): ResourceForm {
  const [, path] = /^jsonpath=(.+)$/s.exec(written) ?? [];
  if (path !== undefined) return { form: 'jsonpath', path };
  const form = forms.find((known) => known === written);
  if (form === undefined) throw new SyntaxError(`must be ${forms.join(', ')} or jsonpath=PATH`);
  return { form };
}

/**
 * Prints resources. Without a form a list is a table, and what was named is printed as documents: one alone as `set` takes it,
 * several as `apply` does.
 */
export async function printResources(
  context: Context,
  wanted: ResourceForm | undefined,
  { columns, resources, rows }: ResourceList,
  which: 'one' | 'several' | 'all',
): Promise<void> {
  const { form } = wanted ?? { form: which === 'all' ? 'table' : 'yaml' };
  if (form === 'name') {
    for (const { kind, name } of resources) context.stdout.write(`${kind}/${name}\n`);
    return;
  }
  if (form === 'table' || form === 'wide') {
    const [more, ofEach] = form === 'wide' ? [wideHeaders, wideCells] : [[], () => []];
    const headers = [...columns.map(({ header }) => header), ...more];
    context.stdout.write(
      renderTable(
        headers,
        resources.map((resource, at) => [...(rows[at]?.cells ?? []), ...ofEach(resource)]),
      ),
    );
    return;
  }
  const { renderDocument, resourceToDocument, specToDocument } = await import('./document.js');
  const [only] = resources;
  if (wanted === undefined && which === 'one') {
    context.stdout.write(renderDocument('yaml', only === undefined ? {} : specToDocument(only)));
    return;
  }
  const documents = resources.map(resourceToDocument);
  const value = which === 'one' ? (documents[0] ?? {}) : documents;
  if (wanted?.form === 'jsonpath') {
    context.stdout.write(await found(wanted.path, value));
    return;
  }
  if (form === 'jsonpath') return;
  if (which !== 'several') {
    context.stdout.write(renderDocument(form, value));
    return;
  }
  const { documentPrinter } = await import('./document-stream.js');
  const print = await documentPrinter(context, form);
  for (const document of documents) print.document(document);
  print.end();
}

const wideHeaders = ['generation', 'author', 'age'];

function wideCells({ author, builtin, createTime, generation }: Resource): string[] {
  return builtin ? ['', '', ''] : [String(generation), author, renderSeconds(secondsBetween(createTime, undefined))];
}

/** What a JSONPath (RFC 9535) finds, a line each. Braces around it, and no `$` before it, are kubectl's way to write one. */
async function found(written: string, value: object): Promise<string> {
  const { jsonpath } = await import('json-p3');
  const bare = written.replace(/^\{(.*)\}$/s, '$1');
  const path = bare.startsWith('$') ? bare : `$${bare.startsWith('.') || bare.startsWith('[') ? '' : '.'}${bare}`;
  let values: unknown[];
  try {
    values = jsonpath.query(path, value as Parameters<typeof jsonpath.query>[1]).values();
  } catch (cause) {
    throw usageError(
      `"${written}" is not a JSONPath: ${cause instanceof Error ? cause.message : String(cause)}`,
      'Write it like {.name}, or {[*].name} of a list.',
    );
  }
  return values.map((one) => `${typeof one === 'string' ? one : JSON.stringify(one)}\n`).join('');
}

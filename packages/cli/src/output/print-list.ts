import { shellWords } from '@murmur/api';

import type { Context } from '../context.js';
import { wholeNumber } from '../parameters.js';
import type { OutputFlags } from './output-flag.js';

/** What a command with {@link pageFlags} receives. */
export type PageFlags = OutputFlags & {
  readonly pageSize?: number;
  readonly pageToken?: string;
};

/** The flags of a list that comes in pages of at most so many. */
export function pageFlags(most: number, standard: number) {
  return {
    pageSize: {
      kind: 'parsed',
      parse: wholeNumber(1, most),
      optional: true,
      placeholder: 'N',
      brief: `How many to list, from 1 to ${most} (default: ${standard}; all of them with -o yaml and -o json)`,
    },
    pageToken: { kind: 'parsed', parse: String, optional: true, placeholder: 'TOKEN', brief: 'Go on where an earlier page ended' },
  } as const;
}

/** A list that the server gives in pages. */
export interface PagedList<Item> {
  /** The command that lists it, such as `bakes ls`, and the flags that chose what is in it. */
  readonly command: readonly string[];
  /** What a page's items are called in a document, such as `bakes`. */
  readonly name: string;
  /** The largest page, and the one that is asked for where the user does not say. */
  readonly most: number;
  readonly standard: number;
  page(request: { readonly pageSize: number; readonly pageToken: string }): Promise<{ items: readonly Item[]; nextPageToken: string }>;
  table(items: readonly Item[]): string;
  document(item: Item): Record<string, unknown>;
}

/**
 * Prints a list. As a table it is one page, and how to see the next. For programs it is a list of all, page by page, unless a page
 * size is asked for: then it is one page with the next one's token.
 */
export async function printList<Item>(context: Context, flags: PageFlags, list: PagedList<Item>): Promise<void> {
  const format = flags.output ?? 'table';
  let pageToken = flags.pageToken ?? '';
  if (format === 'table') {
    const { items, nextPageToken } = await list.page({ pageSize: flags.pageSize ?? list.standard, pageToken });
    context.stdout.write(list.table(items));
    if (nextPageToken === '') return;
    const size = flags.pageSize === undefined ? [] : ['--page-size', String(flags.pageSize)];
    context.stderr.write(`More with: ${shellWords(['murmur', ...list.command, ...size, '--page-token', nextPageToken])}\n`);
    return;
  }
  const { renderDocument } = await import('./document.js');
  if (flags.pageSize !== undefined) {
    const { items, nextPageToken } = await list.page({ pageSize: flags.pageSize, pageToken });
    const documents = items.map((item) => list.document(item));
    context.stdout.write(
      renderDocument(format, { [list.name]: documents, ...(nextPageToken === '' ? {} : { next_page_token: nextPageToken }) }),
    );
    return;
  }
  const documents: Record<string, unknown>[] = [];
  do {
    const { items, nextPageToken } = await list.page({ pageSize: list.most, pageToken });
    for (const item of items) documents.push(list.document(item));
    pageToken = nextPageToken;
  } while (pageToken !== '');
  context.stdout.write(renderDocument(format, documents));
}

/** The flags of a list's filters that were given, as words. */
export function filterWords(filters: Readonly<Record<string, string | boolean | undefined>>): string[] {
  return Object.entries(filters).flatMap(([flag, value]) => {
    if (value === undefined || value === false || value === '') return [];
    return value === true ? [`--${flag}`] : [`--${flag}`, value];
  });
}

import type { Resource } from '@murmur/api';

import type { Context } from '../context.js';
import type { OutputFormat } from './output-flag.js';

/** Answers a change to a resource: one line, or the resource as it is now when `-o yaml` or `-o json` asks for it. */
export async function printChange(
  context: Context,
  format: OutputFormat | undefined,
  line: string,
  resource: Resource | undefined,
): Promise<void> {
  if (format === undefined || format === 'table' || resource === undefined) {
    context.stdout.write(`${line}\n`);
    return;
  }
  const { renderDocument, resourceToDocument } = await import('./document.js');
  context.stdout.write(renderDocument(format, resourceToDocument(resource)));
}

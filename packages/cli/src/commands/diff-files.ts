import { ApplyResult_Outcome as Outcome, MurmurError } from '@murmur/api';

import { withKindHint } from '../client/kinds.js';
import { listAll } from '../client/list-all.js';
import type { MurmurClient } from '../client/connect.js';
import type { Context } from '../context.js';
import { readSources } from '../input/apply-sources.js';
import { renderDocument, specToDocument } from '../output/document.js';
import { printDiff } from '../output/print-diff.js';

/** Prints what applying files would change, and what of their kinds only the server has. Answers whether there is anything of either. */
export async function diffFiles(context: Context, paths: readonly string[], options: { readonly recursive: boolean }): Promise<boolean> {
  const documents = await readSources(context, paths, options);
  const client = await context.connect();
  const { results } = await client.applyResources({ documents, dryRun: true });
  let isDifferent = false;
  for (const { kind, name, outcome, resource } of results) {
    if (outcome === Outcome.UNCHANGED || resource === undefined) continue;
    const [before, after] = [
      outcome === Outcome.CREATED ? '' : await textOnServer(client, kind, name),
      renderDocument('yaml', specToDocument(resource)),
    ];
    // A dry run does not tell whether the value given for a secret is a new one.
    if (before === after) continue;
    isDifferent = true;
    const label = `${kind}/${name}`;
    await printDiff(context, { label, about: 'on the server', text: before }, { label, about: 'in the files', text: after });
  }
  const named = new Set(results.map(({ kind, name }) => `${kind}/${name}`));
  for (const kind of new Set(results.map((result) => result.kind))) {
    const { resources } = await withKindHint(kind, listAll(client, kind));
    for (const resource of resources) {
      const isOurs = !resource.builtin && !isBaked(specToDocument(resource));
      if (!isOurs || named.has(`${kind}/${resource.name}`)) continue;
      isDifferent = true;
      context.stdout.write(`Only on the server: ${kind}/${resource.name}\n`);
    }
  }
  return isDifferent;
}

/** Whether a bake made it: no file could. */
export function isBaked(document: Record<string, unknown>): boolean {
  return Object.values(document).some((value) => typeof value === 'object' && value !== null && 'provenance' in value);
}

/** The document there is now; empty for one that was removed meanwhile. */
async function textOnServer(client: MurmurClient, kind: string, name: string): Promise<string> {
  try {
    const { resource } = await client.getResource({ kind, name });
    return resource === undefined ? '' : renderDocument('yaml', specToDocument(resource));
  } catch (thrown) {
    if (MurmurError.from(thrown).code === 'NOT_FOUND') return '';
    throw thrown;
  }
}

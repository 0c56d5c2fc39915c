import { type Resource, SortOrder } from '@murmur/api';

import type { MurmurClient } from '../client/connect.js';
import { listAll, type ResourceList } from '../client/list-all.js';
import { defineCommand } from '../define-command.js';
import { usageError } from '../failure.js';
import { filterOf } from '../output/resource-filter.js';
import { printResources, type ResourceForm, resourceForm } from '../output/resource-forms.js';
import { readTargets, type Target } from '../input/targets.js';
import { wholeNumber } from '../parameters.js';
import { kindOf, withKindHint } from '../client/kinds.js';

const orders = { created: SortOrder.CREATED, name: SortOrder.NAME, updated: SortOrder.UPDATED };

type Flags = {
  readonly output?: ResourceForm;
  readonly filter?: readonly string[];
  readonly author?: string;
  readonly substrate?: string;
  readonly sort?: 'name' | 'created' | 'updated';
  readonly generation?: number;
};

/** `murmur get`. */
export const command = defineCommand<Flags, string[]>({
  usage: '[flags] <kind> [<name>…] | <kind>/<name>…',
  description:
    'Lists the resources of a kind, oldest first, or prints one of them.\nOne resource is printed as the document that `murmur set` accepts. With -o yaml and -o json it also says its kind and\ngeneration: written back, it is refused if somebody else has changed the resource meanwhile.',
  examples: [
    { brief: 'List all recipes', line: 'murmur get recipe' },
    { brief: 'Print one recipe', line: 'murmur get recipe python-toolchain' },
    { brief: 'Print several, for apply to take back', line: 'murmur get recipe/python-toolchain image/debian > catalog.yaml' },
    { brief: 'Copy a recipe as it was in generation 2', line: 'murmur get recipe python-toolchain --generation 2 > old.yaml' },
    { brief: 'Who wrote them, and when', line: 'murmur get recipe -o wide' },
    { brief: 'The images of one substrate, by name', line: 'murmur get image --substrate docker -o name' },
    { brief: 'One field', line: "murmur get recipe python-toolchain -o jsonpath='{.provisioning_timeout}'" },
    { brief: 'Use the list in a program', line: "murmur get image -o json | jq -r '.[].name'" },
  ],
  parameters: {
    flags: {
      output: {
        kind: 'parsed',
        parse: resourceForm,
        optional: true,
        placeholder: 'FORM',
        brief: 'How to print: table, wide, name, yaml, json, or jsonpath=PATH',
      },
      filter: {
        kind: 'parsed',
        parse: String,
        variadic: true,
        optional: true,
        placeholder: 'field=value',
        brief: 'Only those of a list whose field is this; repeatable',
      },
      author: { kind: 'parsed', parse: String, optional: true, placeholder: 'SUBJECT', brief: 'Only those that this user wrote last' },
      substrate: {
        kind: 'parsed',
        parse: String,
        optional: true,
        placeholder: 'NAME',
        brief: 'Only images and placements of qemu, docker, aws or gce',
      },
      sort: { kind: 'enum', values: ['name', 'created', 'updated'], optional: true, brief: 'The order of a list (default: created)' },
      generation: {
        kind: 'parsed',
        parse: wholeNumber(1, Number.MAX_SAFE_INTEGER),
        optional: true,
        placeholder: 'N',
        brief: 'Print an earlier generation of one resource',
      },
    },
    aliases: { o: 'output' },
    positional: {
      kind: 'array',
      parameter: { parse: String, placeholder: 'kind', brief: 'A kind, such as recipe or image, and names of that kind; or kind/name' },
      minimum: 1,
    },
  },
  completes: ['kind', 'name'],
  async run(context, flags, ...words) {
    const targets = readTargets(words);
    const kind = kindOf(words[0] ?? '');
    if (targets.length === 0 && flags.generation !== undefined) throw usageError('--generation needs the name of a resource');
    if (targets.length > 0 && (flags.filter ?? flags.author ?? flags.substrate) !== undefined) {
      throw usageError('filters are for lists', 'Leave them out, or leave the names out.');
    }
    const client = await context.connect();
    const chosen = await (targets.length === 0 ? everyOf(client, kind, flags) : those(client, targets, flags));
    await printResources(context, flags.output, chosen, targets.length === 1 ? 'one' : targets.length === 0 ? 'all' : 'several');
  },
});

async function everyOf(client: MurmurClient, kind: string, flags: Flags): Promise<ResourceList> {
  const list = await withKindHint(kind, listAll(client, kind, orders[flags.sort ?? 'created']));
  const isWanted = filterOf(flags);
  const kept = list.resources.map((resource) => isWanted(resource));
  return { columns: list.columns, resources: list.resources.filter((_, at) => kept[at]), rows: list.rows.filter((_, at) => kept[at]) };
}

async function those(client: MurmurClient, targets: readonly Target[], flags: Flags): Promise<ResourceList> {
  const resources: Resource[] = [];
  for (const { kind, name } of targets) {
    const { resource } = await withKindHint(kind, client.getResource({ kind, name, generation: BigInt(flags.generation ?? 0) }));
    if (resource !== undefined) resources.push(resource);
  }
  const [kind, ...others] = new Set(targets.map((target) => target.kind));
  const form = flags.output?.form;
  if (kind === undefined || (form !== 'table' && form !== 'wide')) return { columns: [], resources, rows: [] };
  if (flags.generation !== undefined) throw usageError('--generation prints a document; use it with -o yaml or -o json');
  if (others.length > 0) throw usageError('a table shows one kind', 'Use -o name, -o yaml or -o json.');
  // The server makes the rows of tables, and only for lists.
  const list = await listAll(client, kind);
  const rowOf = new Map(list.resources.map(({ name }, at) => [name, list.rows[at]]));
  return { columns: list.columns, resources, rows: resources.flatMap(({ name }) => rowOf.get(name) ?? []) };
}

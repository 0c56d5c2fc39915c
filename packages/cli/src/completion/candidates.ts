import { kindNames } from '@murmur/api';
import type { Command } from '@stricli/core';

import type { Context } from '../context.js';
import type { Completion, DefinedCommand } from '../define-command.js';
import { globalFlagDocs } from '../global-flags.js';
import { findRoute, routes } from '../routes.js';
import { namesOnServer } from './names-on-server.js';

/**
 * What could stand in place of the last of these words. Nothing is ever an error here: where the shell cannot be
 * helped it gets no candidates, and offers files.
 */
export async function candidatesFor(context: Context, words: readonly string[]): Promise<string[]> {
  const typed = words.slice(0, -1).filter((word) => word !== '');
  const partial = words.at(-1) ?? '';
  const route = findRoute(typed);
  const isWhole = route !== undefined && route.words.length <= typed.length;
  const all = isWhole
    ? [
        ...commandWords(typed),
        ...(await argumentCandidates(context, (await route.load()).command, typed.slice(route.words.length), partial)),
      ]
    : commandWords(typed);
  return [...new Set(all)].filter((candidate) => candidate.startsWith(partial));
}

function commandWords(typed: readonly string[]): string[] {
  const visible = routes.filter((route) => typed.every((word, index) => route.words[index] === word));
  return visible.flatMap((route) => route.words[typed.length] ?? []);
}

async function argumentCandidates(context: Context, defined: DefinedCommand, typed: readonly string[], partial: string): Promise<string[]> {
  const flags = flagsOf(defined.command);
  const previous = typed.at(-1) ?? '';
  const open = flags.find((flag) => flag.takesValue && flag.spellings.includes(previous));
  if (open !== undefined) return [...open.values];
  if (partial.startsWith('-') && !typed.includes('--'))
    return flags.flatMap((flag) => flag.spellings.filter((spelling) => spelling.startsWith('--')));
  const positionals = positionalsAmong(typed, flags);
  const wanted = defined.completes[positionals.length];
  return wanted === undefined ? [] : valuesFor(context, wanted, positionals);
}

async function valuesFor(context: Context, wanted: Completion, positionals: readonly string[]): Promise<string[]> {
  if (typeof wanted !== 'string') return [...wanted];
  switch (wanted) {
    case 'file':
      return [];
    case 'kind':
      return [...kindNames];
    case 'name':
      return namesOnServer(context, positionals[0] ?? '');
    case 'context':
      return contextNames(context);
    case 'run':
    case 'host':
    case 'recipe':
    case 'environment':
    case 'placement':
    case 'image':
    case 'secret':
      return namesOnServer(context, wanted);
  }
}

async function contextNames(context: Context): Promise<string[]> {
  const { contextsFile, readContexts } = await import('../config/contexts.js');
  return readContexts(contextsFile(context)).then(
    ({ contexts }) => Object.keys(contexts),
    () => [],
  );
}

interface FlagSpelling {
  readonly spellings: readonly string[];
  readonly takesValue: boolean;
  readonly values: readonly string[];
}

function flagsOf(command: Command<Context>): FlagSpelling[] {
  const { flags = {}, aliases = {} } = command.parameters;
  const own = Object.entries(flags).map(([name, flag]) => {
    const short = Object.entries(aliases).flatMap(([alias, target]) => (target === name ? [`-${alias}`] : []));
    const long = `--${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
    return { spellings: [long, ...short], takesValue: flag.kind !== 'boolean', values: flag.kind === 'enum' ? flag.values : [] };
  });
  const global = globalFlagDocs.map(({ flag, placeholder }) => ({ spellings: [flag], takesValue: placeholder !== undefined, values: [] }));
  return [...own, { spellings: ['--help', '-h'], takesValue: false, values: [] }, ...global];
}

function positionalsAmong(typed: readonly string[], flags: readonly FlagSpelling[]): string[] {
  const positionals: string[] = [];
  for (let index = 0; index < typed.length; index += 1) {
    const word = typed[index] ?? '';
    if (!word.startsWith('-')) positionals.push(word);
    else if (flags.some((flag) => flag.takesValue && flag.spellings.includes(word))) index += 1;
  }
  return positionals;
}

import {
  buildApplication,
  buildCommand,
  buildRouteMap,
  text_en,
  type Application,
  type ApplicationText,
  type Command,
} from '@stricli/core';
import { similarWord } from '@murmur/api/similar';

import type { Context } from './context.js';
import { failureText, usageError } from './failure.js';
import { globalFlagDocs } from './global-flags.js';
import { familyBriefs, findRoute, routes, type Route } from './routes.js';
import { type UsageMessage, usageMessage } from './usage-message.js';

/** The application for one command line. */
export interface App {
  readonly application: Application<Context>;
  /** What to do about everything it found wrong with the line, once each: to be printed after it has run. */
  readonly hints: ReadonlySet<string>;
}

/** Those that people call, and the one that completion scripts call, which is here because it reads the list of the others. */
const allRoutes: readonly Route[] = [
  ...routes,
  { words: ['__complete'], group: 'server', brief: 'Answer a completion script', load: () => import('./commands/complete.js') },
];

/** Builds the application for one command line: the command it calls is loaded, all others only know their line of help. */
export async function buildApp(args: readonly string[]): Promise<App> {
  const called = findRoute(args, allRoutes);
  requireKnownWord(args, called);
  const loaded = called === undefined ? undefined : (await called.load()).command.command;
  const commandOf = (route: Route): Command<Context> => (route === called && loaded !== undefined ? loaded : standIn(route));

  const families = new Map<string, Record<string, Command<Context>>>();
  const root: Record<string, Command<Context> | ReturnType<typeof buildRouteMap<string, Context>>> = {};
  for (const route of allRoutes) {
    const [first, second] = route.words;
    if (second === undefined) root[first] = commandOf(route);
    else families.set(first, { ...families.get(first), [second]: commandOf(route) });
  }
  for (const [name, commands] of families) {
    // A command that is called by the family's word alone, such as `server`, stands in the family's place.
    if (called?.words.length === 1 && called.words[0] === name) continue;
    const standard = routes.find((route) => route.words[0] === name && route.isDefault === true)?.words[1];
    root[name] = buildRouteMap<string, Context>({
      routes: commands,
      docs: { brief: familyBriefs[name] ?? name },
      ...(standard === undefined ? {} : { defaultCommand: standard }),
    });
  }
  const hints = new Set<string>();
  const application = buildApplication<Context>(
    buildRouteMap<string, Context>({ routes: root, docs: { brief: 'murmur', hideRoute: { __complete: true } } }),
    {
      name: 'murmur',
      scanner: { caseStyle: 'allow-kebab-for-camel', allowArgumentEscapeSequence: true },
      documentation: { disableAnsiColor: true },
      localization: { text: textWith(hints, wordsAfter(args)) },
    },
  );
  return { application, hints };
}

function standIn(route: Route): Command<Context> {
  return buildCommand<NonNullable<unknown>, [], Context>({
    func: () => new Error(`${route.words.join(' ')} was not loaded`),
    parameters: {},
    docs: { brief: route.brief, customUsage: [''] },
  });
}

/** A family's own command takes no arguments: a word after it that is none of the family's is misspelt. */
function requireKnownWord(args: readonly string[], called: Route | undefined): void {
  const [family = '', word = ''] = args;
  if (called?.isDefault !== true || called.words[1] === word || word === '' || word.startsWith('-')) return;
  const { message, hint } = unknownWord(word, wordsAfter(args));
  throw usageError(message, hint.replace('murmur --help', `murmur ${family} --help`));
}

/** The words that could stand where the first unknown one of this line stands. */
function wordsAfter([first = '']: readonly string[]): readonly string[] {
  const second = routes.filter(({ words }) => words[0] === first).flatMap(({ words }) => words[1] ?? []);
  return second.length > 0 ? second : [...new Set(routes.map(({ words }) => words[0]))];
}

function unknownWord(input: string, words: readonly string[]): UsageMessage {
  const isFlag = input.startsWith('-');
  const known = isFlag ? ['--help', '--version', ...globalFlagDocs.map(({ flag }) => flag)] : words;
  const meant = similarWord(input, known);
  return {
    message: isFlag ? `unknown flag ${input}` : `unknown command "${input}"`,
    hint: meant === undefined ? 'See all commands with: murmur --help' : `Did you mean ${meant}?`,
  };
}

/** Stricli's words and ours. The hints are kept apart, because Stricli asks for one fault at a time. */
function textWith(hints: Set<string>, words: readonly string[]): ApplicationText {
  const faultLine = ({ message, hint }: UsageMessage): string => {
    hints.add(hint);
    return failureText([{ code: 'INVALID_ARGUMENT', message }]).trimEnd();
  };
  return {
    ...text_en,
    noCommandRegisteredForInput: ({ input }) => faultLine(unknownWord(input, words)),
    exceptionWhileParsingArguments: (thrown) => faultLine(usageMessage(thrown)),
  };
}

import type { DefinedCommand } from './define-command.js';

/** Where a command stands in the help of `murmur` itself. */
export type RouteGroup = 'catalog' | 'baking' | 'images' | 'access' | 'server';

/** One command: the words that call it, one line about it, and the file it is in. */
export interface Route {
  readonly words: readonly [string] | readonly [string, string];
  readonly group: RouteGroup;
  readonly brief: string;
  /** The command that runs when its first word stands alone. */
  readonly isDefault?: true;
  load(): Promise<{ readonly command: DefinedCommand }>;
}

/** Every command that people call. A file is loaded only when its command is called. */
export const routes: readonly Route[] = [
  { words: ['set'], group: 'catalog', brief: 'Create or replace a resource', load: () => import('./commands/set.js') },
  { words: ['get'], group: 'catalog', brief: 'List resources or print one', load: () => import('./commands/get.js') },
  { words: ['patch'], group: 'catalog', brief: 'Change some fields of a resource', load: () => import('./commands/patch.js') },
  { words: ['edit'], group: 'catalog', brief: 'Change a resource in your editor', load: () => import('./commands/edit.js') },
  { words: ['rm'], group: 'catalog', brief: 'Delete a resource', load: () => import('./commands/rm.js') },
  { words: ['describe'], group: 'catalog', brief: 'Explain the kinds and their fields', load: () => import('./commands/describe.js') },
  { words: ['history'], group: 'catalog', brief: 'List the generations of a resource', load: () => import('./commands/history.js') },
  { words: ['diff'], group: 'catalog', brief: 'Compare two generations of a resource', load: () => import('./commands/diff.js') },
  { words: ['apply'], group: 'catalog', brief: 'Write many resources at once, from files', load: () => import('./commands/apply.js') },
  { words: ['export'], group: 'catalog', brief: 'Print resources for apply to take back', load: () => import('./commands/export.js') },
  {
    words: ['secret', 'set'],
    group: 'catalog',
    brief: 'Store a value that nobody reads again',
    load: () => import('./commands/secret-set.js'),
  },
  { words: ['secret', 'ls'], group: 'catalog', brief: 'List the names of secrets', load: () => import('./commands/secret-ls.js') },
  { words: ['secret', 'rm'], group: 'catalog', brief: 'Delete a secret', load: () => import('./commands/secret-rm.js') },
  { words: ['bake'], group: 'baking', brief: 'Bake a recipe into an image', load: () => import('./commands/bake.js') },
  { words: ['bakes', 'ls'], group: 'baking', brief: 'List bakes, newest first', load: () => import('./commands/bakes-ls.js') },
  { words: ['bakes', 'show'], group: 'baking', brief: 'Show one bake', load: () => import('./commands/bakes-show.js') },
  { words: ['bakes', 'logs'], group: 'baking', brief: "Print a bake's log", load: () => import('./commands/bakes-logs.js') },
  { words: ['bakes', 'cancel'], group: 'baking', brief: 'Stop a running bake', load: () => import('./commands/bakes-cancel.js') },
  { words: ['bakes', 'wait'], group: 'baking', brief: 'Wait until a bake has completed', load: () => import('./commands/bakes-wait.js') },
  {
    words: ['bakes', 'again'],
    group: 'baking',
    brief: 'Bake once more what a bake was about',
    load: () => import('./commands/bakes-again.js'),
  },
  { words: ['try'], group: 'images', brief: 'Run a command in a throwaway machine', load: () => import('./commands/try.js') },
  { words: ['image', 'export'], group: 'images', brief: 'Download an image as one file', load: () => import('./commands/image-export.js') },
  { words: ['base', 'build'], group: 'images', brief: 'Build the platform base image', load: () => import('./commands/base-build.js') },
  {
    words: ['base', 'find'],
    group: 'images',
    brief: 'List what distributions publish at a placement',
    load: () => import('./commands/base-find.js'),
  },
  { words: ['base', 'ls'], group: 'images', brief: "List the platform's base images", load: () => import('./commands/base-ls.js') },
  {
    words: ['placement', 'check'],
    group: 'baking',
    brief: 'Say what a bake at a placement would lack',
    load: () => import('./commands/placement-check.js'),
  },
  {
    words: ['auth', 'status'],
    group: 'access',
    brief: 'Say who you are to the server',
    isDefault: true,
    load: () => import('./commands/auth-status.js'),
  },
  { words: ['auth', 'login'], group: 'access', brief: 'Sign in, or store an API key', load: () => import('./commands/auth-login.js') },
  { words: ['auth', 'logout'], group: 'access', brief: 'Forget what a login has stored', load: () => import('./commands/auth-logout.js') },
  { words: ['context', 'add'], group: 'access', brief: 'Keep a server under a name', load: () => import('./commands/context-add.js') },
  {
    words: ['context', 'use'],
    group: 'access',
    brief: 'Choose the server of the next commands',
    load: () => import('./commands/context-use.js'),
  },
  {
    words: ['context', 'ls'],
    group: 'access',
    brief: 'List the servers kept under a name',
    load: () => import('./commands/context-ls.js'),
  },
  { words: ['context', 'rm'], group: 'access', brief: 'Forget a server kept under a name', load: () => import('./commands/context-rm.js') },
  { words: ['whoami'], group: 'access', brief: 'Say who you are to the server', load: () => import('./commands/auth-status.js') },
  {
    words: ['check-permissions'],
    group: 'access',
    brief: 'Say what you may do, and through what',
    load: () => import('./commands/check-permissions.js'),
  },
  { words: ['key', 'create'], group: 'access', brief: 'Make an API key', load: () => import('./commands/key-create.js') },
  { words: ['key', 'ls'], group: 'access', brief: 'List API keys', load: () => import('./commands/key-ls.js') },
  { words: ['key', 'revoke'], group: 'access', brief: 'Make an API key worthless', load: () => import('./commands/key-revoke.js') },
  { words: ['audit', 'ls'], group: 'access', brief: 'List who did what, newest first', load: () => import('./commands/audit-ls.js') },
  { words: ['tenant', 'create'], group: 'server', brief: 'Make a tenant', load: () => import('./commands/tenant-create.js') },
  { words: ['tenant', 'ls'], group: 'server', brief: 'List the tenants', load: () => import('./commands/tenant-ls.js') },
  { words: ['host', 'ls'], group: 'server', brief: 'List the hosts that servers run on', load: () => import('./commands/host-ls.js') },
  {
    words: ['host', 'retire'],
    group: 'server',
    brief: 'Say that a host is gone for good',
    load: () => import('./commands/host-retire.js'),
  },
  { words: ['dashboard'], group: 'server', brief: 'Open the dashboard in the browser', load: () => import('./commands/dashboard.js') },
  { words: ['server'], group: 'server', brief: 'Run the server', load: () => import('./commands/server.js') },
  {
    words: ['server', 'rotate-key'],
    group: 'server',
    brief: 'Replace the master key of a stopped server',
    load: () => import('./commands/server-rotate-key.js'),
  },
  { words: ['version'], group: 'server', brief: 'Print the versions of client and server', load: () => import('./commands/version.js') },
  { words: ['completion'], group: 'server', brief: 'Print a shell completion script', load: () => import('./commands/completion.js') },
];

/** What the first words of two-word commands are about. */
export const familyBriefs: Readonly<Record<string, string>> = {
  secret: 'Store, list and delete secrets',
  bakes: 'Look at, follow, wait for and cancel bakes',
  image: 'Work with the files behind images',
  base: 'Build and list the platform base images',
  context: 'Keep servers under names, and choose among them',
  placement: 'Look whether placements have what bakes need',
  auth: 'Sign in, sign out and see who you are',
  key: 'Make, list and revoke API keys',
  audit: 'See who did what',
  tenant: 'Make and list tenants',
  host: 'List the hosts of servers, and give lost ones up',
};

/** The route that the start of a command line names. */
export function findRoute(args: readonly string[], among: readonly Route[] = routes): Route | undefined {
  const matching = among.filter((route) => route.words.every((word, index) => args[index] === word));
  // `server rotate-key` is not `server` with an argument.
  return (
    matching.toSorted((a, b) => b.words.length - a.words.length)[0] ??
    among.find((route) => route.isDefault === true && route.words[0] === args[0])
  );
}

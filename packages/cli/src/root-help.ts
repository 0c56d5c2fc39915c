import { globalFlagDocs } from './global-flags.js';
import { routes, type RouteGroup } from './routes.js';

const groups: readonly { group: RouteGroup; title: string }[] = [
  { group: 'catalog', title: 'CATALOG' },
  { group: 'baking', title: 'BAKING' },
  { group: 'images', title: 'IMAGES' },
  { group: 'access', title: 'ACCESS' },
  { group: 'server', title: 'SERVER' },
];

/** The help of `murmur` itself. */
export function rootHelp(): string {
  const width = Math.max(...routes.map((route) => route.words.join(' ').length)) + 2;
  const sections = groups.map(({ group, title }) => {
    const rows = routes.filter((route) => route.group === group).map((route) => `  ${route.words.join(' ').padEnd(width)}${route.brief}`);
    return [title, ...rows].join('\n');
  });
  const flags = globalFlagDocs.map(
    ({ flag, placeholder, brief }) => `  ${(placeholder === undefined ? flag : `${flag} ${placeholder}`).padEnd(24)}${brief}`,
  );
  return [
    'murmur bakes machine images for fleets of coding agents and keeps the catalog of them.',
    'USAGE\n  murmur <command> [flags] [arguments]',
    ...sections,
    [
      'FLAGS',
      ...flags,
      `  ${'-h, --help'.padEnd(24)}Explain a command: murmur bake --help`,
      `  ${'--version'.padEnd(24)}Print the version of this program`,
    ].join('\n'),
    [
      'START HERE',
      '  $ murmur server                                      start a server on this machine',
      '  $ murmur base build                                  build its base image',
      '  $ murmur set recipe python-toolchain -f recipe.yaml  say what to install',
      '  $ murmur bake --wait python-toolchain murmur-qemu-small murmur-qemu-local',
    ].join('\n'),
    '',
  ].join('\n\n');
}

// Bundles the command line into packages/cli/dist/bundle: a tiny entry and one chunk per command, so that starting it
// reads little. Only the server stays outside; `murmur server` loads it from its own package.
import { rm } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const cli = fileURLToPath(new URL('../packages/cli/', import.meta.url));
const outdir = `${cli}dist/bundle`;

await rm(outdir, { recursive: true, force: true });
await build({
  entryPoints: { murmur: `${cli}src/main.ts` },
  outdir,
  outExtension: { '.js': '.mjs' },
  entryNames: '[name]',
  chunkNames: 'chunks/[name]-[hash]',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  minify: true,
  conditions: ['source'],
  external: ['@murmur/server'],
  // The library's own entry for Node is CommonJS, which cannot be split or shaken.
  alias: { yaml: `${cli}../../node_modules/yaml/browser/index.js` },
  // Without this, a command that uses one function of these packages would load all they import.
  plugins: [{ name: 'free-of-side-effects', setup: markFreeOfSideEffects }],
  logLevel: 'warning',
});

/** @param {import('esbuild').PluginBuild} builder */
function markFreeOfSideEffects(builder) {
  builder.onResolve({ filter: /^(@murmur\/api|yaml|@bufbuild\/protobuf.*|@connectrpc\/.*)$/ }, async (request) => {
    if (request.pluginData === 'resolved') return undefined;
    const resolved = await builder.resolve(request.path, {
      kind: request.kind,
      importer: request.importer,
      resolveDir: request.resolveDir,
      pluginData: 'resolved',
    });
    return { ...resolved, sideEffects: false };
  });
}

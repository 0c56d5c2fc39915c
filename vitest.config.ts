import { availableParallelism } from 'node:os';

import { defineConfig } from 'vitest/config';

/** Vitest would leave a processor free, which on a small machine is half of it; files that boot machines mostly wait. */
const maxWorkers = Math.max(2, availableParallelism() - 1);

const shared = { maxWorkers, exclude: ['**/dist/**', '**/node_modules/**'], testTimeout: 60_000, hookTimeout: 120_000 };

export default defineConfig({
  // Tests run on the sources, not on compiled copies of them. Vitest hands these conditions to Node, which adds import or require itself.
  ssr: { resolve: { conditions: ['source', 'node'] } },
  test: {
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['packages/**/*.test.ts', 'scripts/**/*.test.mjs', 'bench/**/*.test.ts'],
          globalSetup: ['packages/server/src/database/testing-setup.ts'],
          ...shared,
        },
      },
      // These start real servers and machines and run after a build.
      { extends: true, test: { name: 'e2e', include: ['e2e/**/*.test.ts'], ...shared, testTimeout: 300_000 } },
    ],
  },
});

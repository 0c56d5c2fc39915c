import { defineConfig } from 'vitest/config';

const shared = { exclude: ['**/dist/**', '**/node_modules/**'], testTimeout: 60_000, hookTimeout: 120_000 };

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
      // These start real servers and machines and run after a build, two files at a time: a machine mostly keeps one processor busy.
      { extends: true, test: { name: 'e2e', include: ['e2e/**/*.test.ts'], maxWorkers: 2, ...shared, testTimeout: 300_000 } },
    ],
  },
});

import { availableParallelism } from 'node:os';

import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Vitest would leave a processor free; but files that boot machines or start servers wait much of their time. */
const maxWorkers = availableParallelism() + 1;

/** What takes longest starts first: a machine that boots when everything else is done would leave the processors idle. */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const weight = ({ moduleId, project }: TestSpecification) =>
      /(?:debian|crash-sweep|crash-sweep-docker|bake-survives)\.test\.ts$/.test(moduleId) ? 2 : Number(project.name === 'e2e');
    const sorted: TestSpecification[] = await super.sort(files);
    return sorted.sort((a, b) => weight(b) - weight(a));
  }
}

const shared = { maxWorkers, exclude: ['**/dist/**', '**/node_modules/**'], testTimeout: 60_000, hookTimeout: 120_000 };

export default defineConfig({
  // Tests run on the sources, not on compiled copies of them. Vitest hands these conditions to Node, which adds import or require itself.
  ssr: { resolve: { conditions: ['source', 'node'] } },
  test: {
    sequence: { sequencer: LongestFirst },
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

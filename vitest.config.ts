import { defineConfig } from 'vitest/config';

const folders = ['ingest', 'storage', 'search', 'query-api', 'native', 'cli', 'bench'];

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: folders.map((folder) => `${folder}/**/*.test.ts`),
          exclude: ['**/target/**'],
        },
      },
      { test: { name: 'house', include: ['test/house/**/*.test.ts'], testTimeout: 120_000 } },
      {
        test: {
          name: 'integration',
          include: ['test/{receivers,grafana,sql,explain,conformance,crash,node,support}/**/*.test.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          // Each file starts its own Varve; two cores carry one at a time.
          fileParallelism: false,
        },
      },
    ],
  },
});

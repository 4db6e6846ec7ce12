import { configDefaults, defineConfig } from 'vitest/config';

const integrationTests = '**/*.integration.test.{ts,tsx}';
const swarmTests = '**/*.swarm.test.ts';
const metricsTests = '**/*.metrics.test.ts';
// Real servers on shared machines: a test that passes only on its second try is named in the summary.
const retry = process.env['CI'] === 'true' ? 1 : 0;
const notOurs = [...configDefaults.exclude, 'dist/**', '.data/**', 'e2e/**'];

export default defineConfig({
  test: {
    // Two workers: the suite is sized for machines of two cores, and each worker holds database connections.
    maxWorkers: 2,
    pool: 'forks',
    passWithNoTests: true,
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['**/*.test.{ts,tsx}'],
          exclude: [...notOurs, integrationTests, swarmTests, metricsTests],
          testTimeout: 10_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'integration',
          retry,
          include: [integrationTests],
          exclude: notOurs,
          globalSetup: ['tools/vitest-global-setup.ts'],
          testTimeout: 30_000,
          hookTimeout: 60_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'metrics',
          retry,
          include: [metricsTests],
          exclude: notOurs,
          globalSetup: ['tools/vitest-global-setup.ts'],
          // Rates need time.
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'swarm',
          retry,
          include: [swarmTests],
          exclude: notOurs,
          globalSetup: ['tools/vitest-global-setup.ts', 'tools/test-docker-setup.ts'],
          // One file after the other: they share an engine, and some drain its host.
          maxWorkers: 1,
          testTimeout: 90_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
});

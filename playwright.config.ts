import { defineConfig } from '@playwright/test';

const isRoot = process.getuid?.() === 0;

export default defineConfig({
  testDir: 'e2e',
  testMatch: '*.spec.ts',
  outputDir: '.cache/playwright',
  // Each spec file starts servers of its own; two cores carry one at a time.
  workers: 1,
  // As in vitest.config.ts: what passes only on its second try is named in the summary.
  retries: process.env['CI'] === 'true' ? 1 : 0,
  forbidOnly: process.env['CI'] === 'true',
  timeout: 60_000,
  expect: { timeout: 10_000 },
  use: {
    headless: true,
    viewport: { width: 1440, height: 900 },
    trace: 'retain-on-failure',
    launchOptions: {
      executablePath: process.env['CONTROL_CHROMIUM'] ?? '/usr/bin/chromium',
      // Chromium's sandbox cannot be used by root.
      args: isRoot ? ['--no-sandbox'] : [],
    },
  },
});

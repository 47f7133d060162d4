import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { defineConfig } from '@playwright/test';

/** Git-ignored: screenshots, logs of the programs, and traces of what failed. */
const results = fileURLToPath(new URL('../../.cache/e2e/', import.meta.url));

/** The system's own browser: Playwright's download is not needed. */
const browser =
  process.env['MALL_CHROMIUM'] ??
  ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(existsSync);
if (!browser) {
  throw new Error(
    'Chromium is not installed: `make setup` installs it or says how; MALL_CHROMIUM names another',
  );
}

export default defineConfig({
  testDir: '.',
  outputDir: `${results}failures`,
  globalSetup: './stack.ts',
  // One mall, and tests that end its instances: one after the other.
  workers: 1,
  forbidOnly: Boolean(process.env['CI']),
  retries: 0,
  timeout: 90_000,
  expect: { timeout: 15_000 },
  reporter: [['list']],
  use: {
    actionTimeout: 15_000,
    navigationTimeout: 15_000,
    launchOptions: {
      executablePath: browser,
      args: [
        '--no-sandbox',
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
      ],
    },
    screenshot: 'only-on-failure',
    trace: 'retain-on-failure',
  },
});

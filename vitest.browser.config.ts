import { defineConfig } from 'vitest/config';
import { chromium } from './vitest.chromium.js';

// The shared suites of the backends in Chromium: `npm run test:browser`, where /usr/bin/chromium is installed.
export default defineConfig({
  test: {
    include: ['test/browser/**/*.test.ts'],
    setupFiles: ['test/browser/setup.ts'],
    testTimeout: 60_000,
    reporters: ['default'],
    browser: chromium(['--disable-gpu']),
  },
});

import { playwright } from '@vitest/browser-playwright';

/** Tests in a headless Chromium (CHROMIUM, /usr/bin/chromium), started with `args` as well. */
export const chromium = (args: readonly string[]) => ({
  enabled: true,
  headless: true,
  screenshotFailures: false,
  provider: playwright({
    launchOptions: {
      executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium',
      args: [
        '--no-sandbox',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
        ...args,
      ],
    },
  }),
  instances: [{ browser: 'chromium' as const }],
});

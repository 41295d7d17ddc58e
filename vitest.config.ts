import { resolve } from 'node:path';
import { defineConfig } from 'vitest/config';

const source = (path: string): string => resolve(import.meta.dirname, 'src', path);

export default defineConfig({
  resolve: {
    // the README's imports, served from the sources
    alias: [
      { find: /^pope-ts$/, replacement: source('index.ts') },
      { find: /^pope-ts\/(tensor|wasm|gpu|ope|checkpoint)$/, replacement: `${source('entry')}/$1.ts` },
      { find: /^pope-ts\/(\w+)$/, replacement: `${source('.')}/$1/index.ts` },
    ],
  },
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/browser/**', 'test/gpu/browser/**'],
    setupFiles: ['test/setup.ts'],
    testTimeout: 60_000,
    pool: 'forks',
    maxWorkers: 2,
    reporters: ['default', ['json', { outputFile: '.vitest/result.json' }]],
  },
});

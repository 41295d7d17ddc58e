import { resolve } from 'node:path';
import { defineConfig } from 'vitest/config';

const source = (path: string): string => resolve(import.meta.dirname, 'src', path);

export default defineConfig({
  plugins: [
    {
      name: 'light-fast-check',
      // it builds every chain of modifiers (test.skip.only.fails...) at import, 1.4 s a file; two are enough
      transform: (code, id) =>
        id.includes('@fast-check/vitest')
          ? code.replace('!ancestors.has(key)', 'ancestors.size < 2 && !ancestors.has(key)')
          : undefined,
    },
  ],
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
    server: { deps: { inline: [/@fast-check\/vitest/] } },
    testTimeout: 60_000,
    pool: 'forks',
    maxWorkers: 2,
    reporters: ['default', ['json', { outputFile: '.vitest/result.json' }]],
  },
});

// Mutation testing of the mathematics, by hand: docs/decisions/0012-mutation-testing.md.
const name = process.env.MUTATION_REPORT ?? 'mutation';

export default {
  testRunner: 'vitest',
  plugins: ['@stryker-mutator/vitest-runner'],
  vitest: { configFile: 'vitest.mutation.config.ts', related: false },
  mutate: ['src/ope/*.ts', 'src/pope/*.ts', 'src/pope/stream/*.ts', '!src/**/index.ts'],
  // the prose of errors is matched by its numbers and names, not word by word
  mutator: { excludedMutations: ['StringLiteral'] },
  coverageAnalysis: 'perTest',
  // a mutant that is only reached while a file loads is run against all tests: only on request
  ignoreStatic: process.env.POPE_MUTATION_STATIC !== '1',
  concurrency: 2,
  timeoutMS: 4000,
  timeoutFactor: 1.5,
  tempDirName: '.stryker-tmp',
  allowConsoleColors: false,
  reporters: ['progress-append-only', 'clear-text', 'json', 'html'],
  clearTextReporter: { allowColor: false, logTests: false, reportTests: false },
  jsonReporter: { fileName: `reports/mutation/${name}.json` },
  htmlReporter: { fileName: `reports/mutation/${name}.html` },
  ignorePatterns: ['/data', '/docs/.vitepress', '/dist', '/reports', '/bench', '/pope-demo'],
};

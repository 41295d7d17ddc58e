import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';
import base from './vitest.config.js';

// Slow files. A mutant is first tried on the others (POPE_MUTATION=quick), and its survivors on all, these last.
const slow = [
  'pope/(train|batches-and-fit|refit-bootstrap)',
  'ope/every-estimator',
  'theorems/(T09|T12|T17-stream|T20|T22)',
  'golden/obp-(tuning|bootstrap)',
].map((name) => new RegExp(name));
const isSlow = (file: string): boolean => slow.some((name) => name.test(file));

const training = 'test/pope/{train,batches-and-fit,refit-bootstrap}.test.ts';
const left: Record<string, string[]> = {
  quick: [
    training,
    'test/ope/every-estimator.test.ts',
    'test/theorems/{T09,T12,T17-stream,T20,T22}*.test.ts',
    'test/golden/obp-{tuning,bootstrap}.test.ts',
  ],
  untrained: [training],
  training: ['test/{ope,theorems,golden}/**'],
};

class QuickFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    return files.sort((a, b) => Number(isSlow(a.moduleId)) - Number(isSlow(b.moduleId)));
  }
}

export default defineConfig({
  ...base,
  plugins: [
    ...(base.plugins ?? []),
    {
      name: 'no-source-readers',
      // it reads the sources as text, which mutants have changed
      transform: (code, id) =>
        id.endsWith('every-estimator.test.ts')
          ? code.replace("describe('the suite lists", "describe.skip('the suite lists")
          : undefined,
    },
    {
      name: 'one-run-of-plain-tests',
      // fewer draws are for properties
      transform: (code, id) =>
        id.includes('@fast-check/vitest') ? code.replace('config.numRuns ?? 1', '1') : undefined,
    },
  ],
  test: {
    ...base.test,
    include: ['test/{ope,pope,theorems,golden}/**/*.test.ts'],
    setupFiles: ['test/setup.ts', 'test/mutation-setup.ts'],
    ...(left[process.env['POPE_MUTATION'] ?? ''] && { exclude: left[process.env['POPE_MUTATION'] ?? ''] }),
    sequence: { sequencer: QuickFirst },
    reporters: ['dot'],
    isolate: false,
  },
});

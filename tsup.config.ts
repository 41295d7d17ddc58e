import { defineConfig } from 'tsup';

const entry = {
  index: 'src/index.ts',
  tensor: 'src/entry/tensor.ts',
  autograd: 'src/autograd/index.ts',
  nn: 'src/nn/index.ts',
  ope: 'src/entry/ope.ts',
  pope: 'src/pope/index.ts',
  data: 'src/data/index.ts',
  report: 'src/report/index.ts',
};

// Shared chunks in both formats: the tape, the scopes and the default backend must exist once, whatever entry is loaded.
export default defineConfig([
  { entry, format: ['esm', 'cjs'], splitting: true, dts: true, clean: true, target: 'es2022', platform: 'neutral', treeshake: true },
  { entry: { 'cli/main': 'src/cli/main.ts' }, format: ['esm'], splitting: false, target: 'node20', platform: 'node', treeshake: true },
]);

import { readFile } from 'node:fs/promises';
import type { Plugin } from 'esbuild';
import { defineConfig } from 'tsup';

const entry = {
  index: 'src/index.ts',
  tensor: 'src/entry/tensor.ts',
  autograd: 'src/autograd/index.ts',
  wasm: 'src/entry/wasm.ts',
  gpu: 'src/entry/gpu.ts',
  nn: 'src/nn/index.ts',
  checkpoint: 'src/entry/checkpoint.ts',
  ope: 'src/entry/ope.ts',
  pope: 'src/pope/index.ts',
  data: 'src/data/index.ts',
  report: 'src/report/index.ts',
};

/**
 * Says of the calls that define ops and estimators, at the top of a module, that they only make a value: the user's
 * bundler then drops those that nobody uses. Done here, so that the sources stay free of the annotation.
 */
const pureDefinitions: Plugin = {
  name: 'pure-definitions',
  setup(build) {
    build.onLoad({ filter: /[\\/]src[\\/].*\.ts$/ }, async ({ path }) => ({
      contents: (await readFile(path, 'utf8')).replace(
        /^((?:export )?const \w+(?:: [\w<>[\], ]+)? =\s+)(?=[A-Za-z][\w.]*(?:<[^()]*>)?\()/gm,
        '$1/* @__PURE__ */ ',
      ),
      loader: 'ts',
    }));
  },
};

// Shared chunks in both formats: the tape, the scopes and the default backend must exist once, whatever entry is loaded.
export default defineConfig([
  {
    entry,
    format: ['esm', 'cjs'],
    splitting: true,
    dts: true,

    target: 'es2022',
    platform: 'neutral',
    esbuildPlugins: [pureDefinitions],
    // kept, or Node refuses the import by which the version of gpu.js is read
    esbuildOptions(options) {
      options.supported = { ...options.supported, 'import-attributes': true };
    },
  },
  {
    entry: { main: 'src/cli/main.ts', 'demo-worker': 'src/cli/demo/policy-worker.ts' },
    outDir: 'dist/cli',
    format: ['esm'],
    splitting: true,
    target: 'node20',
    platform: 'node',
    // looked for when a GPU is asked for
    external: ['webgpu', 'gpu.js'],
  },
]);

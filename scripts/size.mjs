// What the built package weighs in a user's bundle: minified by esbuild, dependencies included, gzipped.
import { resolve } from 'node:path';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';

const dist = resolve(import.meta.dirname, '..', 'dist');
const from = (entry, names = '*') => `export ${names === '*' ? `* as ${entry.replace('-', '')}` : names} from './${entry}.js';`;
/** name, code, limit in kB of gzip */
const bundles = [
  ['pope-ts: tensor, autograd, ops, ope, pope', from('index'), 47],
  ['pope-ts with pope-ts/nn', from('index') + from('nn'), 57],
  ['{ evaluate, trainPope } of pope-ts/pope', from('pope', '{ evaluate, trainPope }'), 64],
  ['pope-ts/pope, whole: streams and refits as well', from('pope'), 77],
  ['{ grad, mul, tensor } of pope-ts', from('index', '{ grad, mul, tensor }'), 30],
];

/** The same sources without the wasm backend: what it adds to every bundle that makes a tensor. */
const withoutWasm = {
  name: 'without-wasm',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /[/]wasm[/](load|wasm-backend)\.js$/ }, ({ importer }) =>
      importer.endsWith('default.ts') ? { path: 'none', namespace: 'none' } : undefined,
    );
    onLoad({ filter: /./, namespace: 'none' }, () => ({ contents: 'export const compileKernels = () => {}, wasmBackend = () => {};' }));
  },
};
const core = { stdin: { contents: "export * from './index.js';", resolveDir: resolve(dist, '..', 'src'), loader: 'ts' } };

/** Bytes of a bundle: minified, and gzipped. */
async function weigh(options) {
  const { outputFiles } = await build({
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    write: false,
    logLevel: 'error',
    logOverride: { 'ignored-bare-import': 'silent' },
    ...options,
  });
  const bytes = outputFiles[0].contents;
  return { minified: bytes.length, gzip: gzipSync(bytes, { level: 9 }).length };
}

let over = false;
function report(name, { minified, gzip }, limit) {
  over ||= gzip > limit * 1000;
  console.log(`${(gzip / 1000).toFixed(1).padStart(6)} kB gzip (limit ${limit}), ${(minified / 1000).toFixed(0).padStart(4)} kB minified  ${name}`);
}

for (const [name, contents, limit] of bundles) report(name, await weigh({ stdin: { contents, resolveDir: dist } }), limit);
const [whole, bare] = [await weigh(core), await weigh({ ...core, plugins: [withoutWasm] })];
report(
  'of which the wasm backend: kernels, memory, verbs',
  { minified: whole.minified - bare.minified, gzip: whole.gzip - bare.gzip },
  15,
);
if (over) {
  console.error('A bundle is over its limit.');
  process.exitCode = 1;
}

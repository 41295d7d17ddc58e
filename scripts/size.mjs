// What the built package weighs in a user's bundle: minified by esbuild, dependencies included, gzipped.
import { resolve } from 'node:path';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';

const dist = resolve(import.meta.dirname, '..', 'dist');
const from = (entry, names = '*') => `export ${names === '*' ? `* as ${entry.replace('-', '')}` : names} from './${entry}.js';`;
/** name, code, limit in kB of gzip */
const bundles = [
  ['pope-ts: tensor, autograd, ops, ope, pope', from('index'), 30],
  ['pope-ts with pope-ts/nn', from('index') + from('nn'), 40],
  ['{ evaluate, trainPope } of pope-ts/pope', from('pope', '{ evaluate, trainPope }'), 45],
  ['pope-ts/pope, whole: streams and refits as well', from('pope'), 55],
  ['{ grad, mul, tensor } of pope-ts', from('index', '{ grad, mul, tensor }'), 15],
];

let over = false;
for (const [name, code, limit] of bundles) {
  const { outputFiles } = await build({
    stdin: { contents: code, resolveDir: dist },
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    write: false,
    logLevel: 'error',
    logOverride: { 'ignored-bare-import': 'silent' },
  });
  const bytes = outputFiles[0].contents;
  const gzip = gzipSync(bytes, { level: 9 }).length;
  over ||= gzip > limit * 1000;
  console.log(`${(gzip / 1000).toFixed(1).padStart(6)} kB gzip (limit ${limit}), ${(bytes.length / 1000).toFixed(0).padStart(4)} kB minified  ${name}`);
}
if (over) {
  console.error('A bundle is over its limit.');
  process.exitCode = 1;
}

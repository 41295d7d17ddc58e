import { mkdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { build } from 'esbuild';

const folder = resolve(import.meta.dirname, '../../node_modules/.cache/pope-gpu-test');

/** Bundles TypeScript for Node, into a file from which gpu.js and webgpu are found. `source` stands in test/gpu. */
export async function bundle(source: string, name: string): Promise<string> {
  mkdirSync(folder, { recursive: true });
  const outfile = resolve(folder, `${name}-${process.pid}.mjs`);
  await build({
    stdin: { contents: source, resolveDir: import.meta.dirname, loader: 'ts' },
    bundle: true,
    format: 'esm',
    platform: 'node',
    external: ['gpu.js', 'webgpu'],
    outfile,
    logLevel: 'warning',
  });
  return outfile;
}

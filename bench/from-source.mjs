// Loads TypeScript sources as they stand, without a build: for benches that share their cases with the tests.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const root = resolve(import.meta.dirname, '..');

/**
 * The exports of several TypeScript files of this repository, bundled into one module, so that they share one backend.
 * @param {...string} paths from the repository's root
 */
export async function fromSource(...paths) {
  const folder = mkdtempSync(join(tmpdir(), 'pope-bench-'));
  const outfile = join(folder, 'bundle.mjs');
  try {
    await build({
      stdin: { contents: paths.map((path) => `export * from './${path}';`).join('\n'), resolveDir: root, loader: 'ts' },
      bundle: true,
      format: 'esm',
      platform: 'node',
      target: 'node20',
      outfile,
      logLevel: 'warning',
    });
    return await import(pathToFileURL(outfile).href);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

// Compiles reference-tile.ts and runs it on packed matrices.
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import asc from 'assemblyscript/asc';

async function compile() {
  const files = new Map();
  const { error, stderr } = await asc.main(
    ['reference-tile.ts', '--outFile', 'tile.wasm', '--optimizeLevel', '3', '--converge', '--noAssert', '--runtime', 'stub',
      '--enable', 'simd', '--importMemory', '--initialMemory', '1', '--use', 'abort='],
    {
      readFile: (name, base) => {
        try {
          return readFileSync(resolve(base === '.' ? import.meta.dirname : base, name), 'utf8');
        } catch {
          return null;
        }
      },
      writeFile: (name, contents) => files.set(name, contents),
    },
  );
  if (error) throw new Error(`${error.message}\n${stderr}`);
  return new WebAssembly.Module(files.get('tile.wasm'));
}

/**
 * The reference tile as a contender, for matrices of any size of which m is a multiple of 4 and n of 8.
 * @returns {Promise<(x: Float32Array, y: Float32Array, size: { m: number, k: number, n: number }) => { run(): void, read(): Float32Array }>}
 */
export async function createTile() {
  const module = await compile();
  return (x, y, { m, k, n }) => {
    const bytes = 4 * (m * k + k * n + m * n) + 4096;
    const memory = new WebAssembly.Memory({ initial: Math.ceil(bytes / 65536) + 1 });
    const { tile } = new WebAssembly.Instance(module, { env: { memory } }).exports;
    const [a, b] = [1024, 1024 + 4 * m * k];
    const c = b + 4 * k * n;
    new Float32Array(memory.buffer, a, m * k).set(x);
    const packed = new Float32Array(memory.buffer, b, k * n);
    for (let j = 0; j < n; j++) {
      for (let p = 0; p < k; p++) packed[(j >> 3) * 8 * k + p * 8 + (j & 7)] = y[p * n + j];
    }
    const run = () => tile(a, b, c, m, k, n);
    return {
      run,
      read() {
        run();
        return new Float32Array(memory.buffer, c, m * n);
      },
    };
  };
}

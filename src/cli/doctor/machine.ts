import { constants } from 'node:fs';
import { access, statfs } from 'node:fs/promises';
import { availableParallelism, cpus, freemem, totalmem } from 'node:os';
import { fileURLToPath } from 'node:url';
import { getHeapStatistics } from 'node:v8';
import { Worker } from 'node:worker_threads';

/** What the machine offers, as found now. Memory in bytes. */
export interface Machine {
  readonly node: string;
  readonly v8: string;
  readonly platform: string;
  readonly cpu: string;
  readonly threads: number;
  readonly memory: { readonly total: number; readonly free: number; readonly heap_limit: number };
  readonly workers: boolean;
  readonly shared_array_buffer: boolean;
  readonly webassembly: boolean;
  readonly webassembly_simd: boolean;
  readonly working_folder: { readonly path: string; readonly writable: boolean; readonly free: number | null };
  /** Is the data of `pope demo` there? */
  readonly demo_data: boolean;
}

export async function describeMachine(folder = process.cwd()): Promise<Machine> {
  const wasm = webAssembly();
  return {
    node: process.version,
    v8: process.versions.v8,
    platform: `${process.platform} ${process.arch}`,
    cpu: cpus()[0]?.model.trim() || 'unknown',
    threads: availableParallelism(),
    memory: { total: totalmem(), free: freemem(), heap_limit: getHeapStatistics().heap_size_limit },
    workers: typeof Worker === 'function',
    shared_array_buffer: typeof SharedArrayBuffer === 'function',
    webassembly: wasm !== undefined,
    webassembly_simd: wasm?.validate(simdModule) ?? false,
    working_folder: { path: folder, writable: await may(folder, constants.W_OK), free: await freeBytes(folder) },
    demo_data: (await Promise.all(demoData.map((file) => may(file, constants.R_OK)))).includes(true),
  };
}

/** A module of one function that returns i8x16.popcnt(i8x16.splat(0)): valid only where 128-bit SIMD is. */
export const simdModule = Uint8Array.of(
  ...[0, 97, 115, 109, 1, 0, 0, 0], // magic, version
  ...[1, 5, 1, 96, 0, 1, 123], // one type: () -> v128
  ...[3, 2, 1, 0], // one function of it
  ...[10, 10, 1, 8, 0, 65, 0, 253, 15, 253, 98, 11], // i32.const 0, i8x16.splat, i8x16.popcnt, end
);

/** From src/cli/doctor and from dist/cli alike. */
const demoData = ['../../data/polis-demo.json', '../../../data/polis-demo.json'].map((path) =>
  fileURLToPath(new URL(path, import.meta.url)),
);

/** The engine's own, where it has one (`--jitless` takes it away); our types know no browser globals. */
function webAssembly(): { validate(bytes: Uint8Array): boolean } | undefined {
  return (globalThis as { WebAssembly?: { validate(bytes: Uint8Array): boolean } }).WebAssembly;
}

const may = (path: string, mode: number): Promise<boolean> =>
  access(path, mode).then(
    () => true,
    () => false,
  );

const freeBytes = (path: string): Promise<number | null> =>
  statfs(path).then(
    ({ bavail, bsize }) => bavail * bsize,
    () => null,
  );

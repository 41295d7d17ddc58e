import { mkdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { Worker } from 'node:worker_threads';
import { build } from 'esbuild';
import type { Backend } from '../../src/backend/index.js';
import { chooseDriver } from './node-webgpu.js';
import { CHANNEL_BYTES, openChannel, remoteBackend, WAITING } from './remote.js';

const root = resolve(import.meta.dirname, '../..');

/** The gpu backend over WebGPU of Node, in a worker that this side waits for. */
export async function nodeRemoteBackend(): Promise<{ backend: Backend; close(): Promise<unknown> }> {
  chooseDriver();
  const folder = resolve(root, 'node_modules/.cache/pope-gpu-test');
  mkdirSync(folder, { recursive: true });
  const outfile = resolve(folder, `worker-${process.pid}.mjs`);
  await build({
    entryPoints: [resolve(import.meta.dirname, 'node-worker.ts')],
    bundle: true,
    format: 'esm',
    platform: 'node',
    external: ['gpu.js', 'webgpu'],
    outfile,
    logLevel: 'warning',
  });
  const shared = new SharedArrayBuffer(CHANNEL_BYTES);
  const worker = new Worker(outfile, { workerData: shared });
  const backend = remoteBackend(
    openChannel(shared),
    (request) => worker.postMessage(request),
    ({ state }) => {
      if (Atomics.wait(state, 0, WAITING, 60_000) === 'timed-out') throw new Error('the worker does not answer');
    },
  );
  return { backend, close: () => worker.terminate() };
}

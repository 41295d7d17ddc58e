import { Worker } from 'node:worker_threads';
import type { Backend } from '../../src/backend/index.js';
import { bundle } from './bundle.js';
import { chooseDriver } from './node-webgpu.js';
import { CHANNEL_BYTES, openChannel, remoteBackend, WAITING } from './remote.js';

/** The gpu backend over WebGPU of Node, in a worker that this side waits for. */
export async function nodeRemoteBackend(): Promise<{ backend: Backend; close(): Promise<unknown> }> {
  chooseDriver();
  const outfile = await bundle("import { serveMainThread } from './node-worker.js'; serveMainThread();", 'worker');
  const shared = new SharedArrayBuffer(CHANNEL_BYTES);
  // once is enough: a suite has thousands of calls
  let silent = false;
  const worker = new Worker(outfile, { workerData: shared });
  const backend = remoteBackend(
    openChannel(shared),
    (request) => worker.postMessage(request),
    ({ state }) => {
      if (!silent && Atomics.wait(state, 0, WAITING, 30_000) === 'timed-out') silent = true;
      if (silent) throw new Error('the worker does not answer');
    },
  );
  return { backend, close: () => worker.terminate() };
}

import { parentPort, workerData } from 'node:worker_threads';
import { createGpuBackend } from '../../src/backend/gpu/index.js';
import { useNodeWebGpu } from './node-webgpu.js';
import { openChannel, type Request, serve } from './remote.js';

/** The gpu backend of the shared suites, over WebGPU in Node: answers the main thread from now on. */
export function serveMainThread(): void {
  const opening = useNodeWebGpu().then(() => createGpuBackend({ api: 'webgpu' }));
  const answer = serve(opening, openChannel(workerData as SharedArrayBuffer));
  parentPort!.on('message', (request: Request) => void answer(request));
}

import type { Backend } from '../../../src/backend/index.js';
import { CHANNEL_BYTES, openChannel, remoteBackend, WAITING } from '../remote.js';

interface PageWorker {
  postMessage(message: unknown): void;
  onmessage: ((event: { readonly data: unknown }) => void) | null;
  onerror: ((event: { readonly message?: string }) => void) | null;
}
declare const Worker: new (url: URL, options: { readonly type: 'module' }) => PageWorker;

/** The gpu backend in a worker of this page, which may not sleep and so looks until the answer is there. */
export async function pageRemoteBackend(api: 'webgpu' | 'webgl2'): Promise<Backend> {
  const shared = new SharedArrayBuffer(CHANNEL_BYTES);
  const worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' });
  // a worker cannot begin while its page does not rest
  const opened = await new Promise<{ readonly adapter?: string; readonly error?: string }>((resolve) => {
    worker.onmessage = ({ data }) => resolve(data as { adapter?: string; error?: string });
    worker.onerror = ({ message }) => resolve({ error: message ?? 'the worker could not be loaded' });
    worker.postMessage({ api, shared });
  });
  if (opened.error !== undefined) throw new Error(opened.error);
  console.info(`${api}: ${opened.adapter}`);
  return remoteBackend(
    openChannel(shared),
    (request) => worker.postMessage(request),
    ({ state }) => {
      const end = performance.now() + 60_000;
      while (Atomics.load(state, 0) === WAITING) {
        if (performance.now() > end) throw new Error('the worker does not answer');
      }
    },
  );
}

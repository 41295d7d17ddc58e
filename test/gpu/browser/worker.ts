import { createGpuBackend } from '../../../src/backend/gpu/index.js';
import { openChannel, type Request, serve } from '../remote.js';

// The gpu backend of the shared suites, in a worker of the page: the first message says which, and where to answer.

interface Start {
  readonly api: 'webgpu' | 'webgl2';
  readonly shared: SharedArrayBuffer;
}
const scope = globalThis as unknown as {
  onmessage: ((event: { readonly data: unknown }) => void) | null;
  postMessage(message: unknown): void;
};
scope.onmessage = ({ data }) => {
  const { api, shared } = data as Start;
  const opening = createGpuBackend({ api });
  const answer = serve(opening, openChannel(shared));
  scope.onmessage = (event) => void answer(event.data as Request);
  opening.then(
    ({ adapter }) => scope.postMessage({ adapter }),
    (error: unknown) => scope.postMessage({ error: (error as Error).message }),
  );
};

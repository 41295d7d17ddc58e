import { PopeError } from '../../util/index.js';
import { type Dispatch, inOneThread, type ThreadPool } from './engine.js';
import type { KernelName, Kernels } from './kernels.js';
import { control, sourceOfWorker } from './thread-worker.js';
import type { LinearMemory, WebAssemblyModule } from './web-assembly.js';

/** @throws PopeError where memory cannot be shared between threads. */
export function assertShareable(): void {
  if (typeof SharedArrayBuffer === 'function') return;
  throw new PopeError(
    'threads need SharedArrayBuffer, which is absent here; expected Node, or a page that is cross-origin isolated (headers Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp). Take threads: 1.',
    { argument: 'threads' },
  );
}

/**
 * The calling thread and `threads - 1` workers over one shared memory. Workers spin for a moment between jobs, then
 * sleep. A worker that is still starting, or has no core to run on, takes no piece and holds nobody up.
 * @throws PopeError where there is no SharedArrayBuffer or no way to start a worker.
 */
export function createThreads(
  threads: number,
  kernels: Kernels,
  module: WebAssemblyModule,
  memory: LinearMemory,
): ThreadPool {
  const header = new Int32Array(new SharedArrayBuffer(4 * control.size));
  const numbers = new Float64Array(new SharedArrayBuffer(8 * control.maxArguments));
  const names = Object.keys(kernels) as KernelName[];
  const indexOf = new Map(names.map((name, i) => [name, i]));
  const start = { module, memory, header, numbers, names };
  const workers = Array.from({ length: threads - 1 }, (_, i) => startWorker({ ...start, thread: i + 1 }));
  const alone = inOneThread(kernels);
  let open = threads > 1;

  /** Spins for the others' last pieces; where one of them lost its core, sleeping lends it this one. */
  const waitFor = (pieces: number): void => {
    let mayWait = true;
    for (let spins = 0; ; spins++) {
      const done = Atomics.load(header, control.done);
      if (done === pieces) return;
      if (spins < 4000 || !mayWait) continue;
      try {
        Atomics.wait(header, control.done, done, 1);
      } catch {
        mayWait = false; // the main thread of a page may not sleep
      }
    }
  };

  const dispatch: Dispatch = (name, rows, grain, args, scratch) => {
    const pieces = Math.ceil(rows / grain);
    if (pieces < 2 || !open) return alone(name, rows, grain, args, scratch);
    numbers.set(args);
    header[control.kernel] = indexOf.get(name)!;
    header[control.rows] = rows;
    header[control.grain] = grain;
    header[control.count] = args.length;
    header[control.scratchArgument] = scratch?.argument ?? -1;
    header[control.scratchBytes] = scratch?.bytes ?? 0;
    Atomics.store(header, control.next, 0);
    Atomics.store(header, control.done, 0);
    Atomics.add(header, control.job, 1); // odd: open
    if (Atomics.load(header, control.sleepers) > 0) Atomics.notify(header, control.job);
    const kernel = kernels[name];
    for (
      let piece = Atomics.add(header, control.next, 1);
      piece < pieces;
      piece = Atomics.add(header, control.next, 1)
    ) {
      kernel(piece * grain, Math.min(rows, (piece + 1) * grain), ...args);
      Atomics.add(header, control.done, 1);
    }
    waitFor(pieces);
    Atomics.add(header, control.job, 1); // even: closed
    // nobody may still be looking at the arguments when the next job writes them
    while (Atomics.load(header, control.active) > 0);
  };
  return {
    dispatch,
    threads,
    async close() {
      open = false;
      Atomics.store(header, control.stop, 1);
      Atomics.notify(header, control.job);
      await Promise.all(workers.map((end) => end()));
    },
  };
}

interface NodeWorker {
  unref(): void;
  postMessage(message: unknown): void;
  terminate(): Promise<unknown>;
}

interface Platform {
  readonly process?: {
    getBuiltinModule?(name: string): { readonly Worker: new (url: unknown) => NodeWorker } | undefined;
  };
  readonly Worker?: new (url: string) => { postMessage(message: unknown): void; terminate(): void };
  readonly URL: { new (url: string): unknown; createObjectURL(blob: unknown): string };
  readonly Blob: new (parts: string[], options: { readonly type: string }) => unknown;
}

/** Starts a worker in Node or in a browser; gives what ends it. */
function startWorker(message: object): () => Promise<unknown> {
  const here = globalThis as unknown as Platform;
  // Asked for by name and not imported: the core has no builtin of Node among its imports.
  const node = here.process?.getBuiltinModule?.('node:worker_threads');
  if (node !== undefined) {
    const worker = new node.Worker(new here.URL(`data:text/javascript,${encodeURIComponent(sourceOfWorker('node'))}`));
    worker.unref();
    worker.postMessage(message);
    return () => worker.terminate();
  }
  if (here.Worker === undefined) {
    throw new PopeError('threads need workers, which are absent here; expected Node or a browser. Take threads: 1.', {
      argument: 'threads',
    });
  }
  const blob = new here.Blob([sourceOfWorker('browser')], { type: 'text/javascript' });
  const worker = new here.Worker(here.URL.createObjectURL(blob));
  worker.postMessage(message);
  return async () => worker.terminate();
}

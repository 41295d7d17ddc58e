import type { DType, Handle } from '../../tensor/index.js';
import { bytesPerElement } from '../../tensor/index.js';
import type { Backend } from '../backend.js';
import { attentionVerbs } from './attention.js';
import { elementwiseVerbs } from './elementwise.js';
import { type Engine, inOneThread, type ThreadPool } from './engine.js';
import { fusedVerbs } from './fused.js';
import { gatherVerbs } from './gather.js';
import type { Kernels } from './kernels.js';
import { linearVerbs } from './linear.js';
import { instantiate } from './load.js';
import { matmulVerb } from './matmul.js';
import { type Block, createMemory, linearMemory, type MemoryUse } from './memory.js';
import { reduceVerb } from './reduce.js';
import { store, throughJs, type Verbs } from './through-js.js';
import type { LinearMemory, WebAssemblyModule } from './web-assembly.js';

/** A backend over WebAssembly SIMD kernels; tensors live in its linear memory. */
export interface WasmBackend extends Backend {
  readonly memory: MemoryUse;
  readonly threads: number;
  /** Ends the other threads; the backend goes on in the calling one. */
  close(): Promise<void>;
}

/** How kernels run: starts the threads that share `linear`. */
export type StartThreads = (kernels: Kernels, module: WebAssemblyModule, linear: LinearMemory) => ThreadPool;

/**
 * The backend over a memory of at most `maxBytes`. What has no kernel is computed by the js backend on views of the same
 * memory; memory of tensors outside of any scope returns when the collector finds them dead.
 * @throws PopeError (code `no_webassembly`) where WebAssembly or its SIMD is absent or forbidden.
 */
export function wasmBackend(
  module: WebAssemblyModule,
  { maxBytes = 2 ** 32, startThreads }: { maxBytes?: number | undefined; startThreads?: StartThreads | undefined } = {},
): WasmBackend {
  const linear = linearMemory(maxBytes, startThreads !== undefined);
  const kernels = instantiate(module, linear);
  const memory = createMemory(linear, kernels.heapBase(), maxBytes);
  const pool = startThreads?.(kernels, module, linear);
  const threads = pool?.threads ?? 1;
  const verbs = verbsOf({ memory, dispatch: pool?.dispatch ?? inOneThread(kernels), threads }, kernels);
  const copy = (handle: Handle, dtype: DType, size: number) =>
    memory.view((handle as Block).address, dtype, size).slice();
  return {
    name: 'wasm',
    memory,
    threads,
    close: async () => pool?.close(),
    read: async (handle, dtype, size) => copy(handle, dtype, size),
    readSync: copy,
    free: memory.free as Backend['free'],
    watch: memory.watch as (handle: Handle) => void,
    upload: (data) => store(memory, data),
    fill(dtype, size, value) {
      const block = memory.allocate(size * bytesPerElement[dtype]);
      memory.view(block.address, dtype, size).fill(value);
      return block;
    },
    ...verbs,
  };
}

/** Every verb: with kernels where there are some, through js otherwise. One that fails gives back what it took. */
function verbsOf(engine: Engine, kernels: Kernels): Verbs {
  const { memory } = engine;
  const js = throughJs(memory);
  const elementwise = elementwiseVerbs(engine, js);
  const verbs: Verbs = {
    ...js,
    ...elementwise,
    ...gatherVerbs(engine, kernels, js),
    ...fusedVerbs(engine, kernels, js),
    ...attentionVerbs(engine, kernels, js),
    ...linearVerbs(engine, elementwise.map),
    matmul: matmulVerb(engine),
    reduce: reduceVerb(engine, js.reduce),
  };
  type Verb = (...args: unknown[]) => unknown;
  const guarded = verbs as unknown as Record<string, Verb>;
  for (const name in guarded) {
    const verb = guarded[name];
    // no verb has more arguments; a list of them would cost more than a small op
    guarded[name] = (a, b, c, d, e) => {
      memory.begin();
      try {
        return verb(a, b, c, d, e);
      } catch (error) {
        memory.undo();
        throw error;
      }
    };
  }
  return verbs;
}

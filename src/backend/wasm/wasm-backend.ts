import type { DType, Handle } from '../../tensor/index.js';
import { bytesPerElement } from '../../tensor/index.js';
import { assertInteger, assertRange } from '../../util/index.js';
import type { Backend } from '../backend.js';
import { attentionVerbs } from './attention.js';
import { elementwiseVerbs } from './elementwise.js';
import { fusedVerbs } from './fused.js';
import { gatherVerbs } from './gather.js';
import type { Kernels } from './kernels.js';
import { linearVerbs } from './linear.js';
import { compileKernels, instantiate } from './load.js';
import { matmulVerb } from './matmul.js';
import { type Block, createMemory, linearMemory, type MemoryUse } from './memory.js';
import { reduceVerb } from './reduce.js';
import { assertShareable, createThreads, type Engine, inOneThread } from './threads.js';
import { store, throughJs, type Verbs } from './through-js.js';
import type { WebAssemblyModule } from './web-assembly.js';

export interface WasmBackendOptions {
  /** The kernels, compiled elsewhere (a page that may not compile synchronously, a cache). Default: compiled here. */
  readonly module?: WebAssemblyModule;
  /**
   * Threads that compute, the calling one included; 1 by default. More need SharedArrayBuffer: in a browser a page that
   * is cross-origin isolated. The results are the same bit for bit whatever their number. End them with `close`.
   */
  readonly threads?: number;
  /** The most bytes of linear memory, 4 GiB by default, which is also the largest possible. */
  readonly maxBytes?: number;
}

/** A backend over WebAssembly SIMD kernels; tensors live in its linear memory. */
export interface WasmBackend extends Backend {
  readonly memory: MemoryUse;
  readonly threads: number;
  /** Ends the other threads; the backend goes on in the calling one. */
  close(): Promise<void>;
}

/**
 * The fast backend: kernels in WebAssembly SIMD, float32 and float64. What has no kernel is computed by the js backend
 * on views of the same memory. Memory of tensors outside of any scope returns when the collector finds them dead.
 * @throws PopeError (code `no_webassembly`) where WebAssembly or its SIMD is absent or forbidden.
 */
export function createWasmBackend(options: WasmBackendOptions = {}): WasmBackend {
  const { threads = 1, maxBytes = 2 ** 32 } = options;
  assertInteger('threads', threads, 1, 64);
  assertRange('maxBytes', maxBytes, 2 ** 20, 2 ** 32);
  const shared = threads > 1;
  if (shared) assertShareable();
  const module = options.module ?? compileKernels(shared);
  const linear = linearMemory(maxBytes, shared);
  const kernels = instantiate(module, linear);
  const memory = createMemory(linear, kernels.heapBase(), maxBytes);
  const pool = shared ? createThreads(threads, kernels, module, linear) : null;
  const engine: Engine = { memory, dispatch: pool?.dispatch ?? inOneThread(kernels), threads };
  const verbs = verbsOf(engine, kernels);
  const copy = (handle: Handle, dtype: DType, size: number) =>
    memory.view((handle as Block).address, dtype, size).slice();
  return {
    name: 'wasm',
    memory,
    threads,
    close: async () => pool?.close(),
    read: async (handle, dtype, size) => copy(handle, dtype, size),
    readSync: copy,
    free: (handle) => memory.free(handle as Block),
    watch: (handle) => memory.watch(handle as Block),
    upload: (data) => store(memory, data),
    fill(dtype, size, value) {
      const block = memory.allocate(size * bytesPerElement[dtype]);
      memory.view(block.address, dtype, size).fill(value);
      return block;
    },
    ...verbs,
  };
}

/** Every verb: with kernels where there are some, through js otherwise. */
function verbsOf(engine: Engine, kernels: Kernels): Verbs {
  const js = throughJs(engine.memory);
  const elementwise = elementwiseVerbs(engine, js);
  return {
    ...js,
    ...elementwise,
    ...gatherVerbs(engine, js),
    ...fusedVerbs(engine, js),
    ...attentionVerbs(engine, kernels, js),
    ...linearVerbs(engine, elementwise.map),
    matmul: matmulVerb(engine),
    reduce: reduceVerb(engine, js.reduce),
  };
}

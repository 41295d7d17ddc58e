import { assertInteger, assertRange } from '../../util/index.js';
import { compileKernels } from './shared-kernels.js';
import { assertShareable, createThreads } from './threads.js';
import { type WasmBackend, wasmBackend } from './wasm-backend.js';
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

/**
 * The fast backend: kernels in WebAssembly SIMD, float32 and float64; the default wherever it may run. See `wasmBackend`.
 * @throws PopeError where an option is outside of its domain, memory cannot be shared for `threads`, or (code
 * `no_webassembly`) WebAssembly or its SIMD is absent or forbidden.
 */
export function createWasmBackend(options: WasmBackendOptions = {}): WasmBackend {
  const { threads = 1, maxBytes = 2 ** 32 } = options;
  assertInteger('threads', threads, 1, 64);
  assertRange('maxBytes', maxBytes, 2 ** 20, 2 ** 32);
  const shared = threads > 1;
  if (shared) assertShareable();
  return wasmBackend(options.module ?? compileKernels(shared), {
    maxBytes,
    startThreads: shared ? (kernels, module, linear) => createThreads(threads, kernels, module, linear) : undefined,
  });
}

// The wasm backend by hand: `pope-ts/wasm`. The default backend takes its single-threaded part alone.
export { createWasmBackend, type WasmBackendOptions } from './create-wasm-backend.js';
export type { MemoryUse } from './memory.js';
export { compileKernels, kernelBytes } from './shared-kernels.js';
export type { WasmBackend } from './wasm-backend.js';
export type { WebAssemblyModule } from './web-assembly.js';

// The backend on a GPU: `pope-ts/gpu`. Nothing else imports gpu.js.
export type { Captured } from './capture.js';
export { createGpuBackend, type GpuBackend, type GpuBackendOptions } from './create-gpu-backend.js';
export { GPU_JS_VERSION } from './gpu-js.js';

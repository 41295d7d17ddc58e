import { test } from 'vitest';
import { createGpuBackend } from '../../src/backend/gpu/index.js';
import { missing } from './here.js';
import { useNodeWebGpu } from './node-webgpu.js';
import { trainingSuite } from './training-suite.js';

if (missing !== null) test.skip(`training on WebGPU in Node: ${missing}`);
else {
  await useNodeWebGpu();
  trainingSuite('webgpu in Node', await createGpuBackend({ api: 'webgpu' }));
}

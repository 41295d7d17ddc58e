import { test } from 'vitest';
import { createGpuBackend } from '../../src/backend/gpu/index.js';
import { captureSuite } from './capture-suite.js';
import { missing } from './here.js';
import { useNodeWebGpu } from './node-webgpu.js';

if (missing !== null) test.skip(`captured functions on WebGPU in Node: ${missing}`);
else {
  await useNodeWebGpu();
  captureSuite('webgpu in Node', await createGpuBackend({ api: 'webgpu' }));
}

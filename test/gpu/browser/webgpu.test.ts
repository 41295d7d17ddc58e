import { createGpuBackend } from '../../../src/backend/gpu/index.js';
import { backendSuite } from '../../properties/backend-suite.js';
import { fusedSuite } from '../../properties/fused-suite.js';
import { matmulSuite } from '../../properties/matmul-suite.js';
import { captureSuite } from '../capture-suite.js';
import { trainingSuite } from '../training-suite.js';
import { pageRemoteBackend } from './page-remote.js';

const backend = await pageRemoteBackend('webgpu');
backendSuite('webgpu in Chromium', backend, { dtypes: ['float32'] });
matmulSuite('webgpu in Chromium', backend, ['float32']);
fusedSuite('webgpu in Chromium', backend, ['float32'], 5e-4);
trainingSuite('webgpu in Chromium', await createGpuBackend({ api: 'webgpu' }));
captureSuite('webgpu in Chromium', await createGpuBackend({ api: 'webgpu' }));

import { createGpuBackend } from '../../../src/backend/gpu/index.js';
import { backendSuite } from '../../properties/backend-suite.js';
import { fusedSuite } from '../../properties/fused-suite.js';
import { matmulSuite } from '../../properties/matmul-suite.js';
import { trainingSuite } from '../training-suite.js';
import { pageRemoteBackend } from './page-remote.js';

const backend = await pageRemoteBackend('webgl2');
backendSuite('webgl2 in Chromium', backend, { dtypes: ['float32'] });
matmulSuite('webgl2 in Chromium', backend, ['float32']);
fusedSuite('webgl2 in Chromium', backend, ['float32'], 5e-4);
trainingSuite('webgl2 in Chromium', await createGpuBackend({ api: 'webgl2' }));

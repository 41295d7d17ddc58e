import { afterAll, test } from 'vitest';
import { backendSuite } from '../properties/backend-suite.js';
import { fusedSuite } from '../properties/fused-suite.js';
import { matmulSuite } from '../properties/matmul-suite.js';
import { missing } from './here.js';
import { nodeRemoteBackend } from './node-remote.js';

if (missing !== null) test.skip(`the shared suites on WebGPU in Node: ${missing}`);
else {
  const { backend, close } = await nodeRemoteBackend();
  afterAll(close);
  backendSuite('gpu', backend, { dtypes: ['float32'] });
  matmulSuite('gpu', backend, ['float32']);
  // a GPU divides to 2.5 units in the last place
  fusedSuite('gpu', backend, ['float32'], 5e-4);
}

import { createWasmBackend } from '../../src/backend/wasm/index.js';
import { backendSuite } from '../properties/backend-suite.js';
import { fusedSuite } from '../properties/fused-suite.js';
import { matmulSuite } from '../properties/matmul-suite.js';

// In Chromium: the same suites as in Node.
const backend = createWasmBackend();
backendSuite('wasm in Chromium', backend);
matmulSuite('wasm in Chromium', backend);
fusedSuite('wasm in Chromium', backend);

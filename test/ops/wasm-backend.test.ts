import { createWasmBackend } from '../../src/backend/wasm/index.js';
import { backendSuite } from '../properties/backend-suite.js';
import { fusedSuite } from '../properties/fused-suite.js';
import { matmulSuite } from '../properties/matmul-suite.js';

const backend = createWasmBackend();
backendSuite('wasm', backend);
matmulSuite('wasm', backend);
fusedSuite('wasm', backend);

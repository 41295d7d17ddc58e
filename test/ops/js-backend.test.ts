import { createJsBackend } from '../../src/backend/index.js';
import { backendSuite } from '../properties/backend-suite.js';

backendSuite('js', createJsBackend());

export { createJsBackend, jsBackend } from './js-backend.js';

export type { AdamwOptions, Backend, DropoutKey, MapName, Operand, ReduceName, ZipName } from './backend.js';
export {
  arange,
  type CreateOptions,
  full,
  fullLike,
  type NestedNumbers,
  ones,
  onesLike,
  scalarLike,
  tensor,
  zeros,
  zerosLike,
} from './create.js';
export { backendOf, defaultBackend, setDefaultBackend } from './default.js';
export { createJsBackend, jsBackend } from './js/index.js';
export { moveTo } from './move-to.js';

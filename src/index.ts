// Everything small: tensors, gradients, estimators, POPE. The transformer, readers and report have entries of their own.
export * from './autograd/index.js';
export * from './entry/ope.js';
export * from './entry/tensor.js';
// the weight transform of the estimators; the elementwise op of that name is in `pope-ts/tensor`
export { clip } from './ope/index.js';
export * from './pope/index.js';
export { PopeError } from './util/index.js';
export { version } from './version.js';

// Everything small: tensors, gradients, estimators, POPE. The transformer, readers and report have entries of their own.
export * from './autograd/index.js';
export * from './entry/ope.js';
export * from './entry/tensor.js';
export * from './pope/index.js';
export { PopeError } from './util/index.js';
export { version } from './version.js';

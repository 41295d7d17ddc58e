// What a user of tensors needs: the tensor, ways to make one, the backends, and every op.
export * from '../backend/index.js';
export * from '../ops/index.js';
export * from '../tensor/index.js';

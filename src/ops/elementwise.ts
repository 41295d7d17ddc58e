import { defineOp, run } from '../autograd/index.js';
import { broadcastShapes, type Tensor } from '../tensor/index.js';
import { sumTo } from './sum-to.js';

// z = x * y   (elementwise, broadcast)      dz/dx = y,  dz/dy = x
const mulOp = defineOp({
  name: 'mul',
  shape: broadcastShapes,
  forward: (backend, [x, y], _attrs, shape) => backend.zip('mul', x, y, shape),
  vjp: ([x, y], dz) => [sumTo(mul(dz, y), x.shape), sumTo(mul(dz, x), y.shape)],
});

/** Elementwise product with broadcasting. @throws PopeError where shapes or dtypes do not agree. */
export const mul = (x: Tensor, y: Tensor): Tensor => run(mulOp, [x, y]);

import { defineOp, type Op } from '../autograd/index.js';
import type { MapName } from '../backend/index.js';
import type { Tensor } from '../tensor/index.js';

/** The op y = f(x), elementwise; `dx` is its cotangent of x, of (x, dy, y). */
export const unaryOp = (name: MapName, dx: (x: Tensor, dy: Tensor, y: Tensor) => Tensor): Op<void> =>
  defineOp({
    name,
    shape: ([shape]) => shape,
    forward: (backend, [x]) => backend.map(name, x),
    vjp: ([x], dy, { out }) => [dx(x, dy, out)],
  });

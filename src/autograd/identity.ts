import type { Tensor } from '../tensor/index.js';
import { defineOp, run } from './op.js';

// y = x      dy/dx = 1
const identityOp = defineOp({
  name: 'identity',
  shape: ([shape]) => shape,
  forward: null,
  vjp: (_inputs, dz) => [dz],
});

// y = x      dy/dx = 0 by decree
const stopGradientOp = defineOp({
  name: 'stopGradient',
  shape: ([shape]) => shape,
  forward: null,
  vjp: null,
});

/** The same numbers as a new variable. */
export const identity = (x: Tensor): Tensor => run(identityOp, [x]);

/** The same numbers, constant for every gradient. */
export const stopGradient = (x: Tensor): Tensor => run(stopGradientOp, [x]);

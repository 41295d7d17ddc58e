import { broadcastStrides, type Shape, type TypedArray } from '../../tensor/index.js';
import type { Operand } from '../backend.js';
import { arrayOf } from './operand.js';
import { forEachBlock, mergeAxes } from './walk.js';

/** out_i = c_i != 0 ? x_i : y_i, all broadcast to `shape`. */
export function where(out: TypedArray, c: Operand, x: Operand, y: Operand, shape: Shape): void {
  const nest = mergeAxes(
    shape,
    [c, x, y].map((operand) => broadcastStrides(operand.shape, shape)),
  );
  const last = nest.sizes.length - 1;
  const [rows, cols] = [nest.sizes[last - 1], nest.sizes[last]];
  const [cs, xs, ys] = [c, x, y].map(arrayOf);
  const [cr, xr, yr] = nest.steps.map((s) => s[last - 1]);
  const [cc, xc, yc] = nest.steps.map((s) => s[last]);
  forEachBlock(nest, [0, 0, 0], (output, [c0, x0, y0]) => {
    for (let i = 0, o = output; i < rows; i++) {
      let k = c0 + i * cr;
      let a = x0 + i * xr;
      let b = y0 + i * yr;
      for (const end = o + cols; o < end; o++, k += cc, a += xc, b += yc) out[o] = cs[k] !== 0 ? xs[a] : ys[b];
    }
  });
}

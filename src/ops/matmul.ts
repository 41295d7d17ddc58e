import { defineOp, run } from '../autograd/index.js';
import { broadcastShapes, type Shape, showShape, sizeOf, type Tensor } from '../tensor/index.js';
import { invalid, PopeError } from '../util/index.js';
import { reshape } from './reshape.js';
import { sumTo } from './sum-to.js';

/** Which operands are read transposed over their last two axes. Nothing is moved. */
export interface MatmulOptions {
  readonly transposeX?: boolean;
  readonly transposeY?: boolean;
}

interface MatmulAttrs {
  readonly tx: boolean;
  readonly ty: boolean;
}

// z = x y   (last two axes; leading axes broadcast)      dx = dz y^T,  dy = x^T dz, each in its stored form
const matmulOp = defineOp<MatmulAttrs>({
  name: 'matmul',
  shape: ([x, y], { tx, ty }) => matmulShape(x, y, tx, ty),
  forward: (backend, [x, y], { tx, ty }, shape) => backend.matmul(x, y, tx, ty, shape),
  vjp: ([x, y], dz, { attrs: { tx, ty }, needs }) => {
    const dx = () => (tx ? product(y, dz, ty, true) : product(dz, y, false, !ty));
    const dy = () => (ty ? product(dz, x, true, tx) : product(x, dz, !tx, false));
    return [needs[0] ? sumTo(dx(), x.shape) : null, needs[1] ? sumTo(dy(), y.shape) : null];
  },
  show: ({ tx, ty }) => `${tx ? 'x^T' : 'x'} ${ty ? 'y^T' : 'y'}`,
});

const product = (x: Tensor, y: Tensor, tx: boolean, ty: boolean): Tensor => run(matmulOp, [x, y], { tx, ty });

/**
 * Matrix product over the last two axes, the leading ones broadcast.
 * @param x [.., m, k] ([.., k, m] with transposeX).
 * @param y [.., k, n] ([.., n, k] with transposeY).
 * @returns [.., m, n]; zeros where k is 0.
 * @throws PopeError where an operand has fewer than two axes, or shapes or dtypes do not agree.
 */
export function matmul(x: Tensor, y: Tensor, { transposeX = false, transposeY = false }: MatmulOptions = {}): Tensor {
  if (x.dtype === 'int32') throw invalid('dtype of matmul', x.dtype, 'float32 or float64', 'Convert with cast().');
  if (x.rank <= 2 || y.rank !== 2 || transposeX) return product(x, y, transposeX, transposeY);
  // One matrix for all batches (a linear layer): one tall product, whose gradient sums over the batch by itself.
  const shape = matmulShape(x.shape, y.shape, false, transposeY);
  const k = x.shape[x.rank - 1];
  const tall = reshape(x, [sizeOf(x.shape.slice(0, -1)), k]);
  return reshape(product(tall, y, false, transposeY), shape);
}

function matmulShape(x: Shape, y: Shape, tx: boolean, ty: boolean): Shape {
  if (x.length < 2 || y.length < 2) {
    throw new PopeError(
      `matmul got shapes ${showShape(x)} and ${showShape(y)}; expected at least two axes each. Give a vector a second axis with unsqueeze().`,
      { argument: x.length < 2 ? 'x' : 'y', got: x.length < 2 ? x : y },
    );
  }
  const [m, k] = tx ? [x[x.length - 1], x[x.length - 2]] : x.slice(-2);
  const [k2, n] = ty ? [y[y.length - 1], y[y.length - 2]] : y.slice(-2);
  if (k !== k2) {
    const form = (flag: boolean) => (flag ? ' transposed' : '');
    throw new PopeError(
      `matmul got shapes ${showShape(x)}${form(tx)} and ${showShape(y)}${form(ty)}: inner sizes ${k} and ${k2}; expected equal ones.`,
      { argument: 'y', got: y },
    );
  }
  return [...broadcastShapes([x.slice(0, -2), y.slice(0, -2)]), m, n];
}

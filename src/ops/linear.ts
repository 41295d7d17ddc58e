import { defineMultiOp, defineOp, run, runMany } from '../autograd/index.js';
import { backendOf } from '../backend/index.js';
import { type Shape, showShape, type Tensor } from '../tensor/index.js';
import { invalid, PopeError } from '../util/index.js';
import { gelu, geluGrad } from './activation.js';
import { add } from './arithmetic.js';
import { matmul } from './matmul.js';
import { sum } from './sum-to.js';

const outShape = ([x, weight]: readonly Shape[]): Shape => [x[0], weight[1]];

// z = x W + b      dx = dz W^T,  dW = x^T dz,  db = sum of the rows of dz
const linearOp = defineOp({
  name: 'linear',
  shape: outShape,
  forward: (backend, [x, weight, bias]) => backend.linear!(x, weight, bias),
  vjp: ([x, weight], dz, { needs }) => linearVjp(x, weight, dz, needs),
});

// (y, z):  z = x W + b,  y = gelu z      dz += gelu'(z) dy, and on as above
const linearGeluOp = defineMultiOp({
  name: 'linearGelu',
  shapes: (shapes) => [outShape(shapes), outShape(shapes)],
  forward: (backend, [x, weight, bias]) => backend.linearGelu!(x, weight, bias),
  vjp: ([x, weight], [dy, dz], { outs: [, z], needs }) => {
    const through = dy && geluGrad(z, dy);
    const all = through && dz ? add(through, dz) : (through ?? dz)!;
    return linearVjp(x, weight, all, needs);
  },
});

const linearVjp = (x: Tensor, weight: Tensor, dz: Tensor, needs: readonly boolean[]) => [
  needs[0] ? matmul(dz, weight, { transposeY: true }) : null,
  needs[1] ? matmul(x, dz, { transposeX: true }) : null,
  needs[2] ? sum(dz, 0) : null,
];

/**
 * A linear layer: x W + b, one product over all rows.
 * @param x [N, in] floats.
 * @param weight [in, out].
 * @param bias [out].
 * @returns [N, out].
 * @throws PopeError where shapes or dtypes do not agree.
 */
export function linear(x: Tensor, weight: Tensor, bias: Tensor): Tensor {
  assertLinear('linear', x, weight, bias);
  return backendOf(x).linear ? run(linearOp, [x, weight, bias]) : add(matmul(x, weight), bias);
}

/** gelu(x W + b); see `linear`. */
export function linearGelu(x: Tensor, weight: Tensor, bias: Tensor): Tensor {
  assertLinear('linearGelu', x, weight, bias);
  return backendOf(x).linearGelu
    ? runMany(linearGeluOp, [x, weight, bias], undefined)[0]
    : gelu(add(matmul(x, weight), bias));
}

function assertLinear(name: string, x: Tensor, weight: Tensor, bias: Tensor): void {
  if (x.dtype === 'int32') throw invalid(`dtype of ${name}`, x.dtype, 'float32 or float64', 'Convert with cast().');
  const agree = x.rank === 2 && weight.rank === 2 && bias.rank === 1;
  if (agree && x.shape[1] === weight.shape[0] && weight.shape[1] === bias.shape[0]) return;
  throw new PopeError(
    `${name} got shapes ${[x, weight, bias].map(({ shape }) => showShape(shape)).join(', ')}; expected [N, in], [in, out] and [out].`,
    { argument: 'x', got: x.shape },
  );
}

import { defineOp, type Op, run } from '../autograd/index.js';
import type { DropoutKey } from '../backend/index.js';
import type { Random } from '../random/index.js';
import type { Tensor } from '../tensor/index.js';
import { invalid } from '../util/index.js';

interface Mask {
  readonly rate: number;
  readonly key: DropoutKey;
}

// y = x m / (1 - rate), m a mask of 0 and 1      dx = dy m / (1 - rate): the same op with the same key
const dropoutOp: Op<Mask> = defineOp<Mask>({
  name: 'dropout',
  show: ({ rate }) => `rate ${rate}`,
  shape: ([shape]) => shape,
  forward: (backend, [x], { rate, key }) => backend.dropout(x, rate, key),
  vjp: (_inputs, dy, { attrs }) => [run(dropoutOp, [dy], attrs)],
});

/**
 * Zeroes each element with probability `rate` (to 2^-24) and divides the others by 1 - rate, so that the expectation is
 * x. At rate 0 it is x itself and draws nothing.
 * @param rate from 0 to below 1.
 * @param random advances by two draws, whatever the size: they are the key of the mask.
 * @throws PopeError where the rate is out of range or x is int32.
 */
export function dropout(x: Tensor, rate: number, random: Random): Tensor {
  if (!(rate >= 0 && rate < 1)) throw invalid('rate', rate, 'a number from 0 to below 1');
  if (x.dtype === 'int32') throw invalid('dtype of dropout', x.dtype, 'float32 or float64', 'Convert with cast().');
  return rate === 0 ? x : run(dropoutOp, [x], { rate, key: [random.next(), random.next()] });
}

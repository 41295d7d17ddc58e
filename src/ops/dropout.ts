import { backendOf, tensor } from '../backend/index.js';
import { type Random, uniform } from '../random/index.js';
import { newArray, type Tensor } from '../tensor/index.js';
import { invalid } from '../util/index.js';
import { mul } from './arithmetic.js';

/**
 * Zeroes each element with probability `rate` and divides the others by 1 - rate, so that the expectation is x.
 * At rate 0 it is x itself and draws nothing.
 * @param rate from 0 to below 1.
 * @param random advances by one uniform an element.
 * @throws PopeError where the rate is out of range or x is int32.
 */
export function dropout(x: Tensor, rate: number, random: Random): Tensor {
  if (!(rate >= 0 && rate < 1)) throw invalid('rate', rate, 'a number from 0 to below 1');
  if (x.dtype === 'int32') throw invalid('dtype of dropout', x.dtype, 'float32 or float64', 'Convert with cast().');
  if (rate === 0) return x;
  const mask = newArray(x.dtype, x.size);
  const kept = 1 / (1 - rate);
  for (let i = 0; i < mask.length; i++) mask[i] = uniform(random) < rate ? 0 : kept;
  return mul(x, tensor(mask, { shape: x.shape, backend: backendOf(x) }));
}

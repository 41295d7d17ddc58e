import { permutation, type Random } from '../random/index.js';
import { assertInteger } from '../util/index.js';

/**
 * One pass over 0 .. n - 1 in random order, in batches of `size`; the last one may be smaller.
 * n: integer of at least 0; size: integer of at least 1.
 */
export function* batches(n: number, size: number, random: Random): Generator<Int32Array> {
  assertInteger('n', n, 0);
  assertInteger('size', size, 1);
  const order = permutation(random, n);
  for (let at = 0; at < n; at += size) yield order.slice(at, at + size);
}

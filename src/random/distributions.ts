import { assertInteger, invalid } from '../util/index.js';
import type { Random } from './random.js';

/** Uniform on [0, 1), a multiple of 2^-53. Takes two draws. */
export function uniform(random: Random): number {
  const high = random.next() >>> 5;
  return (high * 67108864 + (random.next() >>> 6)) / 9007199254740992;
}

/**
 * Uniform integer from 0 to n - 1, exactly (by rejection on the high bits). n: an integer from 1 to 2^32.
 * Takes one draw or more; none for n = 1.
 */
export function uniformInt(random: Random, n: number): number {
  if (!(n >= 1 && n <= 4294967296 && Number.isInteger(n))) assertInteger('n', n, 1, 4294967296);
  if (n === 1) return 0;
  const shift = Math.clz32(n - 1);
  let draw = random.next() >>> shift;
  while (draw >= n) draw = random.next() >>> shift;
  return draw;
}

/**
 * Standard normal, by Box and Muller. Always four draws: nothing is kept between calls, so the generator's state is
 * the whole state.
 */
export function normal(random: Random): number {
  const radius = Math.sqrt(-2 * Math.log(1 - uniform(random)));
  return radius * Math.cos(2 * Math.PI * uniform(random));
}

/**
 * An index drawn with the given probabilities (or weights: they are divided by their sum). Never an index of weight 0.
 * @throws PopeError where one is negative or not finite, or all are 0.
 */
export function categorical(random: Random, probabilities: ArrayLike<number>): number {
  let total = 0;
  for (let k = 0; k < probabilities.length; k++) {
    const p = probabilities[k]!;
    if (!(p >= 0 && p < Infinity)) throw invalid(`probabilities[${k}]`, p, 'a finite number of at least 0');
    total += p;
  }
  if (!(total > 0 && total < Infinity)) throw invalid('sum of probabilities', total, 'a finite number above 0');
  let rest = uniform(random) * total;
  let last = 0;
  for (let k = 0; k < probabilities.length; k++) {
    const p = probabilities[k]!;
    if (p === 0) continue;
    if (rest < p) return k;
    rest -= p;
    last = k;
  }
  return last; // rounding left a sliver: it belongs to the last index of positive weight
}

/** A uniform permutation of 0 .. n - 1 (Fisher and Yates). */
export function permutation(random: Random, n: number): Int32Array {
  assertInteger('n', n, 0, 2147483647);
  const order = Int32Array.from({ length: n }, (_, i) => i);
  for (let i = n - 1; i > 0; i--) {
    const j = uniformInt(random, i + 1);
    const held = order[i]!;
    order[i] = order[j]!;
    order[j] = held;
  }
  return order;
}

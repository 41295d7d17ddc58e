import { assertRange, invalid } from '../util/index.js';

/**
 * The quantile of ascending finite values, 0 <= p <= 1, linear between order statistics (type 7 of Hyndman and Fan, the default
 * of R and NumPy). NaN for no values.
 * @throws PopeError where p is outside [0, 1].
 */
export function sortedQuantile(ascending: ArrayLike<number>, p: number): number {
  assertRange('p', p, 0, 1);
  if (ascending.length === 0) return Number.NaN;
  const place = p * (ascending.length - 1);
  const below = Math.floor(place);
  const low = ascending[below]!;
  const high = ascending[Math.min(below + 1, ascending.length - 1)]!;
  return low === high ? low : low + (place - below) * (high - low);
}

/**
 * The type-7 quantile of values in any order.
 * @throws PopeError where p is outside [0, 1] or a value is not finite.
 */
export function quantile(values: ArrayLike<number>, p: number): number {
  const sorted = Float64Array.from(values);
  sorted.forEach((value, i) => {
    if (!Number.isFinite(value)) throw invalid(`values[${i}]`, value, 'a finite number');
  });
  return sortedQuantile(sorted.sort(), p);
}

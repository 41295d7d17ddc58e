import { assertInteger, invalid } from '../util/index.js';
import { fitGeneralisedPareto, type ParetoTail, sameWeight } from './pareto.js';

/** The largest of a set of log-weights, with how many there are: mergeable, of bounded size. */
export interface LargestLogs {
  /** How many are kept at most. */
  readonly capacity: number;
  /** How many there were. */
  readonly count: number;
  /** The smallest of all; Infinity for none. */
  readonly lowest: number;
  /** The `capacity` largest, descending. */
  readonly values: Float64Array;
}

/**
 * The largest of these log-weights; -Infinity is weight 0.
 * @throws PopeError where one is NaN or Infinity, or the capacity is below 6 (a tail needs 5 and its threshold).
 */
export function largestLogs(logWeights: Float64Array, capacity: number): LargestLogs {
  assertInteger('capacity', capacity, 6);
  const bad = logWeights.findIndex((value) => !(value < Infinity));
  if (bad >= 0) throw invalid(`logWeights[${bad}]`, logWeights[bad], 'a number or -Infinity');
  const sorted = logWeights.slice().sort().reverse();
  const lowest = sorted.length === 0 ? Infinity : sorted[sorted.length - 1]!;
  return { capacity, count: sorted.length, lowest, values: sorted.slice(0, capacity) };
}

/** Those of both sets: exactly associative and commutative. @throws PopeError where the capacities differ. */
export function mergeLargestLogs(x: LargestLogs, y: LargestLogs): LargestLogs {
  if (x.capacity !== y.capacity) throw invalid('capacity', y.capacity, `${x.capacity}, as the other's`);
  const length = Math.min(x.capacity, x.values.length + y.values.length);
  const values = new Float64Array(length);
  for (let k = 0, i = 0, j = 0; k < length; k++) {
    const fromX = j >= y.values.length || (i < x.values.length && x.values[i]! >= y.values[j]!);
    values[k] = fromX ? x.values[i++]! : y.values[j++]!;
  }
  return { capacity: x.capacity, count: x.count + y.count, lowest: Math.min(x.lowest, y.lowest), values };
}

/**
 * `paretoTail` from the largest log-weights alone, equal to it wherever they reach to the tail's threshold. Where they do
 * not (`shortened`), the tail is fitted to the capacity - 1 largest weights over the next: fewer points, further out.
 */
export function tailOfLargest({
  capacity,
  count,
  lowest,
  values,
}: LargestLogs): ParetoTail & { readonly shortened: boolean } {
  const wanted = Math.ceil(Math.min(0.2 * count, 3 * Math.sqrt(count)));
  const shortened = wanted >= capacity;
  const length = shortened ? capacity - 1 : wanted;
  const none = (tailPoints: number, reason: string) => ({ k: null, tailPoints, reason, shortened });
  const top = values[0]!;
  if (count > 0 && top === -Infinity) return none(0, 'all weights are 0');
  if (count > 1 && lowest === top) return none(0, 'all weights are equal');
  if (length < 5) return none(length, `${length} tail points, fewer than 5`);
  const cut = values[length]!;
  const threshold = Math.exp(cut - top);
  const above = values
    .slice(0, length)
    .reverse()
    .filter((value) => !sameWeight(cut, value));
  if (above.length < 5) return none(above.length, `${above.length} weights above the tail's threshold, fewer than 5`);
  const distinct = above.filter((value, i) => i === 0 || !sameWeight(above[i - 1]!, value)).length;
  if (distinct === 1) return none(above.length, 'all weights in the tail are equal');
  if (distinct < 5) return none(above.length, `${distinct} distinct weights in the tail, fewer than 5`);
  const tail = above.map((value) => Math.exp(value - top) - threshold);
  const { k, sigma } = fitGeneralisedPareto(tail);
  if (!Number.isFinite(k + sigma)) return none(tail.length, 'the tail spans more than the exponents of float64');
  return { k, tailPoints: tail.length, reason: null, shortened };
}

import { assertInteger, invalid } from '../util/index.js';

/** Counts of values in bins of equal width: bin k holds edges[k] <= value < edges[k + 1], the last one its upper edge too. */
export interface Histogram {
  /** Length bins + 1, ascending. */
  readonly edges: Float64Array;
  /** Length bins. */
  readonly counts: Int32Array;
  /** Values outside the given range. */
  readonly outside: number;
}

/**
 * The histogram of finite values over `range` (default: from the smallest to the largest; a range of no width is widened
 * to 1 around it, or [0, 1] for no values).
 * @throws PopeError where a value is not finite, bins is not a positive integer or the range is not ascending.
 */
export function histogram(values: ArrayLike<number>, bins: number, range?: readonly [number, number]): Histogram {
  assertInteger('bins', bins, 1, 1e6);
  let low = range?.[0] ?? Infinity;
  let high = range?.[1] ?? -Infinity;
  for (let i = 0; i < values.length; i++) {
    if (!Number.isFinite(values[i])) throw invalid(`values[${i}]`, values[i], 'a finite number');
    if (range === undefined) {
      low = Math.min(low, values[i]!);
      high = Math.max(high, values[i]!);
    }
  }
  if (range === undefined && values.length === 0) [low, high] = [0, 1];
  if (!Number.isFinite(low) || !Number.isFinite(high) || low > high)
    throw invalid('range', range, 'two ascending numbers');
  if (low === high) [low, high] = [low - 0.5, high + 0.5];
  if (low === high) throw invalid('range', low, 'values that float64 can tell from their neighbours by 1');
  const edges = Float64Array.from({ length: bins + 1 }, (_, k) =>
    k === bins ? high : low + (high - low) * (k / bins),
  );
  const counts = new Int32Array(bins);
  let outside = 0;
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (value < low || value > high) {
      outside++;
      continue;
    }
    let k = Math.min(bins - 1, Math.floor(((value - low) / (high - low)) * bins));
    while (k > 0 && value < edges[k]!) k--; // the edges decide, not the division's rounding
    while (k < bins - 1 && value >= edges[k + 1]!) k++;
    counts[k]!++;
  }
  return { edges, counts, outside };
}

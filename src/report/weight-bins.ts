import { assertInteger, invalid } from '../util/index.js';

/** Importance weights counted on a logarithmic scale. Zero weights have no logarithm and are counted apart. */
export interface WeightBins {
  /** Ends of the bins in log10, one more than there are counts; empty where no weight is positive. */
  readonly edges: readonly number[];
  readonly counts: readonly number[];
  readonly zeros: number;
  readonly total: number;
}

/**
 * Counts weights rho >= 0 in `bins` equal bins of log10 rho.
 * @throws PopeError where a weight is negative or not finite.
 */
export function binWeights(weights: ArrayLike<number>, bins = 30): WeightBins {
  assertInteger('bins', bins, 1, 1000);
  let low = Infinity;
  let high = -Infinity;
  let zeros = 0;
  for (let i = 0; i < weights.length; i++) {
    const weight = weights[i] as number;
    if (!(weight >= 0 && weight < Infinity)) throw invalid(`weights[${i}]`, weight, 'a finite number of at least 0');
    if (weight === 0) zeros++;
    else {
      low = Math.min(low, Math.log10(weight));
      high = Math.max(high, Math.log10(weight));
    }
  }
  const total = weights.length;
  if (zeros === total) return { edges: [], counts: [], zeros, total };
  if (high - low < 0.02) [low, high] = [(low + high) / 2 - 0.25, (low + high) / 2 + 0.25];
  const width = (high - low) / bins;
  const counts = new Array<number>(bins).fill(0);
  for (let i = 0; i < total; i++) {
    const weight = weights[i] as number;
    if (weight === 0) continue;
    const bin = Math.min(bins - 1, Math.max(0, Math.floor((Math.log10(weight) - low) / width)));
    counts[bin] = (counts[bin] as number) + 1;
  }
  return { edges: Array.from({ length: bins + 1 }, (_, i) => low + i * width), counts, zeros, total };
}

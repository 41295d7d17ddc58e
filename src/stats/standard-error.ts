import { clusterSums, columnsInfluence, columnsOf, type RoundTermArrays, type TermColumns } from './terms.js';

/** sqrt(G/(G-1) sum_g (psi_g - mean)^2) / N for rows that are independent of each other; NaN for fewer than 2. */
export function columnsStandardError(columns: TermColumns): number {
  const { rows, count } = columns;
  if (rows < 2) return Number.NaN;
  const psi = columnsInfluence(columns);
  // scaled by the largest, so that squares of huge weights do not overflow
  const scale = psi.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  if (scale === 0) return 0;
  const mean = psi.reduce((sum, value) => sum + value / scale, 0) / rows;
  const squares = psi.reduce((sum, value) => sum + (value / scale - mean) ** 2, 0);
  const total = count.reduce((sum, n) => sum + n, 0);
  return (scale * Math.sqrt((rows / (rows - 1)) * squares)) / total;
}

/**
 * The standard error of `estimateOf(terms)` with independent rows: for rounds, the sample standard deviation (n - 1) of
 * the influence over sqrt(n). NaN for fewer than 2 rows or where the estimate is undefined.
 * @throws PopeError where the columns are not finite or of different lengths.
 */
export function standardError(terms: RoundTermArrays): number {
  return columnsStandardError(columnsOf(terms));
}

/**
 * The same where rounds of one cluster may depend on each other: the influence is summed within clusters,
 * se = sqrt(G/(G-1) sum_g (psi_g - mean)^2) / N. With every round its own cluster, exactly `standardError`.
 * @throws PopeError as `clusterSums`.
 */
export function clusterRobustStandardError(terms: RoundTermArrays, clusterOf: Int32Array, clusters: number): number {
  return standardError(clusterSums(terms, clusterOf, clusters));
}

import { clusterSums, columnsInfluence, columnsOf, type RoundTermArrays, type TermColumns, totalsOf } from './terms.js';

/** sqrt(G/(G-1) sum_g (psi_g - mean)^2) / N for rows that are independent of each other; NaN for fewer than 2. */
export function columnsStandardError(columns: TermColumns, totals = totalsOf(columns)): number {
  const { rows } = columns;
  if (rows < 2) return Number.NaN;
  const psi = columnsInfluence(columns, totals);
  // scaled by the largest, so that squares of huge weights do not overflow
  let scale = 0;
  for (let i = 0; i < rows; i++) scale = Math.max(scale, Math.abs(psi[i]!));
  if (scale === 0) return 0;
  let mean = 0;
  for (let i = 0; i < rows; i++) mean += psi[i]! / scale;
  mean /= rows;
  let squares = 0;
  for (let i = 0; i < rows; i++) squares += (psi[i]! / scale - mean) ** 2;
  return (scale * Math.sqrt((rows / (rows - 1)) * squares)) / totals.count[0];
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

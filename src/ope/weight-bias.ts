import { assertFinite, invalid } from '../util/index.js';

/** The columns from which the bias of changed weights is estimated, one number a round. */
export interface BiasColumns {
  /** rho, as it is. */
  readonly weight: Float64Array;
  /** What the candidate puts in its place. */
  readonly used: Float64Array;
  /** R - q, or R without a model. */
  readonly residual: Float64Array;
}

function checked(columns: BiasColumns): BiasColumns {
  const n = columns.weight.length;
  if (n === 0) throw invalid('weight.length', 0, 'at least one round');
  for (const [name, column] of Object.entries(columns)) {
    if (column.length !== n) throw invalid(`${name}.length`, column.length, `${n}, the length of weight`);
    column.forEach((x: number, i: number) => {
      assertFinite(`${name}[${i}]`, x);
    });
  }
  return columns;
}

const meanOf = (x: Float64Array): number => x.reduce((sum, value) => sum + value / x.length, 0);

/** |mean((rho - used)(R - q))|: what changing the weights is seen to cost, on the log itself. */
export function weightBias(columns: BiasColumns): number {
  const { weight, used, residual } = checked(columns);
  return Math.abs(meanOf(weight.map((w, i) => (w - used[i]) * residual[i])));
}

/**
 * `weightBias` with the slack of Bernstein's inequality on top (Su et al. 2020, shrinkage):
 * + sqrt(2 mean(rho^2) ln(2/delta)/n) + 2 max(rho) ln(2/delta)/(3n). A bound only for residuals within [-1, 1], and with
 * the sample's own mean of squares and maximum in place of the true ones: a score, not a certificate.
 * @param delta in (0, 1).
 */
export function weightBiasBound(columns: BiasColumns, delta: number): number {
  if (!(delta > 0 && delta < 1)) throw invalid('delta', delta, 'a number above 0 and below 1');
  const { weight } = checked(columns);
  const log = Math.log(2 / delta);
  const largest = weight.reduce((most, w) => Math.max(most, w), 0);
  const spread = Math.sqrt((2 * meanOf(weight.map((w) => w * w)) * log) / weight.length);
  return weightBias(columns) + spread + (2 * largest * log) / (3 * weight.length);
}

import { assertRange } from '../../util/index.js';

const HALF_LOG_TWO_PI = 0.9189385332046727;

/** The Stirling series' remainder, log Gamma(x) - [(x - 1/2) log x - x + log(2 pi)/2], for x >= 10 (error below 1e-16). */
function stirlingRemainder(x: number): number {
  const s = 1 / (x * x);
  return (1 / 12 - s * (1 / 360 - s * (1 / 1260 - s * (1 / 1680 - s * (1 / 1188 - (s * 691) / 360360))))) / x;
}

/**
 * log Gamma(x) for x > 0. Relative error below 1e-13 away from its zeros at 1 and 2, absolute error below 1e-14 near them.
 * @throws PopeError where x is not above 0.
 */
export function logGamma(x: number): number {
  assertRange('x', x, Number.MIN_VALUE, Infinity);
  if (x === Infinity) return Infinity;
  let shifted = x;
  let product = 1;
  while (shifted < 10) product *= shifted++;
  return (
    (shifted - 0.5) * Math.log(shifted) - shifted + HALF_LOG_TWO_PI + stirlingRemainder(shifted) - Math.log(product)
  );
}

/**
 * log Beta(a, b) for a, b > 0. Large arguments go through the difference of two Stirling series, in which the large
 * parts cancel on paper rather than in float64.
 */
export function logBeta(a: number, b: number): number {
  const large = Math.max(a, b);
  const small = Math.min(a, b);
  if (large < 10) return logGamma(a) + logGamma(b) - logGamma(a + b);
  // log Gamma(large + small) - log Gamma(large)
  const growth =
    (large + small - 0.5) * Math.log1p(small / large) +
    small * (Math.log(large) - 1) +
    stirlingRemainder(large + small) -
    stirlingRemainder(large);
  return logGamma(small) - growth;
}

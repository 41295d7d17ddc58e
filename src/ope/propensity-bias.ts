import { assertFinite, assertRange, invalid } from '../util/index.js';

// #region T2
/**
 * How far wrong propensities can move the expectation of IPS: with |log pihat0 - log pi0| <= eta everywhere,
 * |bias| <= (e^eta - 1) E_pi|R|. Infinity where that leaves float64.
 * @param eta nats, at least 0; for text the length times the error of a token. @param meanAbsolute E_pi|R|, at least 0.
 * @throws PopeError where one is outside of its domain.
 * @id T2
 */
export function propensityBiasBound(eta: number, meanAbsolute: number): number {
  assertRange('eta', eta, 0, Infinity);
  assertRange('meanAbsolute', meanAbsolute, 0, Infinity);
  return meanAbsolute === 0 ? 0 : Math.expm1(eta) * meanAbsolute;
}
// #endregion T2

/**
 * T2 read backwards: the values that are consistent with an expectation of IPS when its propensities are off by at most
 * eta. With E the expected estimate of the positive part of the reward and F that of its negative part (both >= 0,
 * estimate = E - F): the value lies in [e^-eta E - e^eta F, e^eta E - e^-eta F].
 * @throws PopeError where eta or a part is negative or not finite.
 */
export function propensityBand(
  parts: { readonly positive: number; readonly negative: number },
  eta: number,
): { lower: number; upper: number } {
  assertRange('eta', eta, 0, Infinity);
  const { positive, negative } = parts;
  for (const [name, part] of Object.entries({ positive, negative })) {
    assertFinite(name, part);
    if (part < 0) throw invalid(name, part, 'a number of at least 0, the size of that part of the estimate');
  }
  const times = (factor: number, part: number): number => (part === 0 ? 0 : factor * part);
  const [down, up] = [Math.exp(-eta), Math.exp(eta)];
  return {
    lower: times(down, positive) - times(up, negative),
    upper: times(up, positive) - times(down, negative),
  };
}

import { type Log, roundIdOf } from '../ope/index.js';
import { invalid, PopeError } from '../util/index.js';

// #region T21
/**
 * 1/theta_k of every response, [M], k its display position: under the position-based model a vote at position k is
 * cast only where the reader looked, with probability theta_k whatever stands there, so u/theta_k has the mean of u.
 * Exact for utilities that are 0 where nobody looked (identity and log1p of counts); not for ranks or shares.
 * @param examination theta_1 .. theta_K, each above 0 and at most 1.
 * @throws PopeError where the log has no positions, one is missing or beyond K, or a theta is outside (0, 1].
 * @id T21
 */
export function positionWeights(log: Log, examination: readonly number[]): Float64Array {
  assertExamination(examination);
  const positions = requirePositions(log);
  return Float64Array.from(positions, (k, j) => {
    if (k > examination.length) {
      throw new PopeError(
        `a response of round ${roundIdOf(log, j)} stands at position ${k}; expected positions 1 to ${examination.length}, which have a probability of being seen.`,
        { argument: 'examination', got: k },
      );
    }
    return 1 / examination[k - 1];
  });
}
// #endregion T21

/**
 * min(1, theta_k/theta_1), from a log whose responses were put into positions at random (slates of independent draws in
 * the order of drawing are): the mean of the utility at position k over that at position 1, capped at 1. Consistent where
 * the length of a slate does not depend on its context; elsewhere late positions are of other contexts than the first.
 * @param utility u of each response, [M], at least 0; NaN is left out.
 * @throws PopeError where a position up to the last has no response, or position 1 no feedback above 0.
 */
export function estimateExamination(log: Log, utility: ArrayLike<number>): number[] {
  const positions = requirePositions(log);
  if (utility.length !== positions.length)
    throw invalid('utility.length', utility.length, `${positions.length}, one number a response`);
  const last = positions.reduce((most, k) => Math.max(most, k), 0);
  const [sum, count] = [new Float64Array(last), new Float64Array(last)];
  positions.forEach((k, j) => {
    const u = utility[j];
    if (Number.isNaN(u)) return;
    if (!(u >= 0 && u < Infinity))
      throw invalid(`utility[${j}]`, u, 'a finite number of at least 0, to estimate how often a position is seen');
    sum[k - 1] += u;
    count[k - 1]++;
  });
  const empty = count.indexOf(0);
  if (empty >= 0) throw invalid(`responses at position ${empty + 1}`, 0, 'at least one with feedback');
  if (!(sum[0] > 0)) throw invalid('feedback at position 1', sum[0], 'a sum above 0, to compare the others with');
  return Array.from(sum, (s, k) => Math.min(1, s / count[k] / (sum[0] / count[0]))).map((theta, k) => {
    if (theta === 0) throw invalid(`feedback at position ${k + 1}`, 0, 'a sum above 0, or it cannot be corrected');
    return theta;
  });
}

/** @throws PopeError unless every theta is above 0 and at most 1. */
export function assertExamination(examination: readonly number[]): void {
  const bad = examination.findIndex((theta) => !(theta > 0 && theta <= 1));
  if (examination.length === 0 || bad >= 0) {
    throw invalid(
      'examination',
      examination[bad] ?? examination,
      'probabilities above 0 and at most 1, one a position',
    );
  }
}

function requirePositions(log: Log): Int32Array {
  const missing = log.positions === null ? 0 : log.positions.indexOf(0);
  if (log.positions === null || missing >= 0) {
    throw new PopeError(
      `a response of round ${roundIdOf(log, missing)} has no position; expected a display position on every response, which the position correction needs.`,
      { argument: 'position' },
    );
  }
  return log.positions;
}

import { backendOf, tensor } from '../backend/index.js';
import { div, exp, gather, segmentSum } from '../ops/index.js';
import type { Tensor } from '../tensor/index.js';
import { invalid } from '../util/index.js';
import type { WeightTransform } from './estimator.js';

// Surrogates: used in training for their low variance, and biased for every response of more than one token. Neither
// is an estimate of the value, and neither's effective sample size is evidence of anything.

/**
 * Surrogate: rho^(1/L), the geometric mean of a response's L token ratios (length-normalised, as in GSPO). Biased, and
 * its mean under the log is below 1 unless rho is constant; rho at L = 1.
 * @param lengths L >= 1, tokens of each response [M], or one number for all.
 */
export function geometricMeanWeight(lengths: ArrayLike<number> | number): WeightTransform {
  const counts = Float64Array.from(typeof lengths === 'number' ? [lengths] : Array.from(lengths));
  const bad = counts.findIndex((length) => !(Number.isInteger(length) && length >= 1));
  if (bad >= 0) throw invalid(`lengths[${bad}]`, counts[bad], 'an integer of at least 1, tokens of a response');
  return (logRatio) => {
    if (typeof lengths !== 'number' && counts.length !== logRatio.size)
      throw invalid('lengths.length', counts.length, `${logRatio.size}, one length a response`);
    return exp(div(logRatio, likeRatios(counts, logRatio)));
  };
}

/**
 * Surrogate: the mean over a response's tokens of pi(y_t|..)/pi0(y_t|..). Its mean under a log that covers the target is
 * 1, so the mean weight (T18) does not give it away; it is biased all the same. rho for responses of one token. The
 * response's own log-ratio is not read.
 * @param tokenLogRatio log-ratio of each token, [T]; -Infinity is ratio 0.
 * @param tokenOf the response of each token, 0 .. M - 1, int32 [T]; every response has one at least.
 */
export function tokenLevelWeight(tokenLogRatio: Tensor, tokenOf: Tensor): WeightTransform {
  if (tokenLogRatio.rank !== 1 || tokenOf.rank !== 1 || tokenOf.size !== tokenLogRatio.size)
    throw invalid('tokenOf', tokenOf.shape, `shape [${tokenLogRatio.size}], one response a token`);
  const responseOf = tokenOf.dataSync();
  return (logRatio) => {
    const lengths = new Float64Array(logRatio.size);
    responseOf.forEach((j, t) => {
      if (!(Number.isInteger(j) && j >= 0 && j < lengths.length))
        throw invalid(`tokenOf[${t}]`, j, `a response from 0 to ${lengths.length - 1}`);
      lengths[j]++;
    });
    const empty = lengths.indexOf(0);
    if (empty >= 0) throw invalid('tokenOf', `no token of response ${empty}`, 'a token at least of every response');
    // divided before they are summed: a mean of finite ratios stays finite
    const share = div(exp(tokenLogRatio), gather(likeRatios(lengths, tokenLogRatio), tokenOf, 0));
    return segmentSum(share, tokenOf, logRatio.size);
  };
}

const likeRatios = (values: Float64Array, like: Tensor): Tensor =>
  tensor(values, { dtype: like.dtype, backend: backendOf(like) });

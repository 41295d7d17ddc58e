import { backendOf, fullLike, tensor, zerosLike } from '../backend/index.js';
import { add, exp, isFinite as finiteMask, greater, log, mul, neg, segmentSum, sub, sum, where } from '../ops/index.js';
import type { FloatDType, Tensor } from '../tensor/index.js';

/** The readings of pluralism that a value can add to the utility. */
export type DiversityKind = 'surprisal' | 'anchored' | 'coverage' | 'slate' | 'distribution' | 'none';
export const diversityKinds: readonly DiversityKind[] = [
  'surprisal',
  'anchored',
  'coverage',
  'slate',
  'distribution',
  'none',
];

// #region D2
/**
 * R_div(y|x) = -log pi(y|x), elementwise; its mean under pi is the entropy H(pi). 0 where pi(y|x) = 0, whose weight is 0
 * too: p log p = 0.
 * @param logProb log pi(y|x), [M], at most 0.
 * @id D2
 */
export const surprisalReward = (logProb: Tensor): Tensor => neg(finiteOrZero(logProb));
// #endregion D2

// #region D7
/**
 * R_div(y|x) = -log(pi(y|x)/pi0(y|x)), elementwise; its mean under pi is -KL(pi||pi0): the target is held near the log.
 * @param logRatio log pi - log pi0, [M].
 * @id D7
 */
export const anchoredReward = (logRatio: Tensor): Tensor => neg(finiteOrZero(logRatio));
// #endregion D7

// #region D3
/**
 * R_div(y|x) = -log pi(c(y)|x), elementwise; its mean under pi is the entropy of the opinion classes.
 * @param classLogProb log pi(c(y_j)|x) of each response's own class, [M].
 * @id D3
 */
export const coverageReward = (classLogProb: Tensor): Tensor => neg(finiteOrZero(classLogProb));
// #endregion D3

// #region D4
/**
 * R_div(S) = -sum_k p_k log p_k with p_k = pi(y_k|x) / sum over the slate, in [0, log n]: a reward of the whole slate.
 * Duplicates count once: `distinct` is 1 at the first of equal responses of a slate and 0 at the others.
 * @param logProb log pi(y|x), [M]. @param distinct [M] of 0 and 1, the dtype of logProb.
 * @param roundOf int32 [M]. @returns [N]; 0 where pi gives the whole slate no mass.
 * @id D4
 */
export function slateEntropyReward(logProb: Tensor, distinct: Tensor, roundOf: Tensor, rounds: number): Tensor {
  // relative to the slate's likeliest: long responses have probabilities far below the smallest float
  const relative = sub(logProb, slateMaxima(logProb, roundOf, rounds));
  const mass = mul(exp(relative), distinct);
  const total = segmentSum(mass, roundOf, rounds);
  // H = log T - (1/T) sum m log m, and 0 for T = 0
  const positive = finiteMask(log(total));
  const safeTotal = where(positive, total, fullLike(total, 1));
  const weighted = segmentSum(mul(mass, finiteOrZero(relative)), roundOf, rounds);
  return where(positive, sub(log(safeTotal), mul(weighted, exp(neg(log(safeTotal))))), zerosLike(total));
}
// #endregion D4

// #region D5
/**
 * Minus the Jensen-Shannon divergence between a preference distribution m(c|x) and pi(c|x); in [-log 2, 0].
 * @param preferred m, [N, C]. @param predicted pi(c|x), [N, C]; rows sum to 1. @returns [N]
 * @id D5
 */
export function distributionReward(preferred: Tensor, predicted: Tensor): Tensor {
  const middle = mul(add(preferred, predicted), 0.5);
  const divergence = (p: Tensor): Tensor => sum(mul(p, sub(logOrZero(p), logOrZero(middle))), -1);
  return mul(add(divergence(preferred), divergence(predicted)), -0.5);
}
// #endregion D5

/** The largest log-probability of each response's slate, [M], constant; 0 where all are -Infinity. */
function slateMaxima(logProb: Tensor, roundOf: Tensor, rounds: number): Tensor {
  const [values, round] = [logProb.dataSync(), roundOf.dataSync()];
  const top = new Float64Array(rounds).fill(-Infinity);
  values.forEach((value, j) => {
    top[round[j]] = Math.max(top[round[j]], value);
  });
  const own = Float64Array.from(round, (i) => (top[i] === -Infinity ? 0 : top[i]));
  return tensor(own, { dtype: logProb.dtype as FloatDType, backend: backendOf(logProb) });
}

/**
 * Minus KL(m||pi) between a preference distribution and pi(c|x), the other form of D5: -Infinity where pi leaves out a
 * class that somebody prefers.
 * @param preferred m, [N, C]. @param predicted pi(c|x), [N, C]. @returns [N], at most 0 up to rounding.
 */
export function distributionKlReward(preferred: Tensor, predicted: Tensor): Tensor {
  const wanted = greater(preferred, 0);
  // classes that nobody prefers count nothing, whatever pi gives them
  const ratio = sub(logOrZero(preferred), log(where(wanted, predicted, fullLike(predicted, 1))));
  return neg(sum(mul(preferred, ratio), -1));
}

/** log x, and 0 where x is 0, for terms in which x multiplies it. */
function logOrZero(x: Tensor): Tensor {
  const positive = greater(x, 0);
  return log(where(positive, x, fullLike(x, 1)));
}

/** x where finite, else 0: for log-probabilities of -Infinity, whose weight or mass is 0 as well. */
export function finiteOrZero(x: Tensor): Tensor {
  return where(finiteMask(x), x, zerosLike(x));
}

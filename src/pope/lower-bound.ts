import { stopGradient } from '../autograd/index.js';
import { slateSum } from '../ope/index.js';
import { add, exp, expm1, mean, minimum, mul, sub } from '../ops/index.js';
import type { Tensor } from '../tensor/index.js';
import { assertFinite, assertRange } from '../util/index.js';
import { finiteOrZero } from './diversity.js';

/** What the differentiable bounds read: logged log-probabilities, those of the step's anchor pi_k, and the moving ones. */
export interface BoundInput {
  /** log pi(y|x) of the policy being trained, [M]. */
  readonly logProb: Tensor;
  /** log pi_k(y|x), [M], constant: where the bound is tight. */
  readonly anchorLogProb: Tensor;
  /** log pi0(y|x), [M]. */
  readonly logPropensity: Tensor;
  /** u(x, y) >= `rewardFloor`, [M]. */
  readonly utility: Tensor;
  readonly slateWeight: Tensor;
  readonly roundOf: Tensor;
  readonly rounds: number;
}

export interface BoundOptions {
  /** c <= min u, taken off before and added back after: T7 and T8 hold for rewards >= 0 only. Default 0. */
  readonly rewardFloor?: number;
  /** Weights of the anchor are min(rho_k, M); default none. Still a lower bound, no longer tight. */
  readonly clip?: number;
}

// #region T7
/**
 * The tangent bound of a nonnegative local reward, estimated on the log:
 * E_pi0[rho R] >= E_pi0[rho_k R (1 + log(pi/pi_k))], equal in value and gradient at pi = pi_k.
 * At pi_k = pi0 it is reward-weighted maximum likelihood.
 * @param reward R >= 0, [M], constant. @returns a scalar.
 * @id T7
 */
export function tangentBound(reward: Tensor, input: BoundInput, options: BoundOptions = {}): Tensor {
  const rho = anchorWeight(input, options);
  const moved = sub(input.logProb, stopGradient(input.anchorLogProb));
  return meanOverRounds(mul(mul(rho, stopGradient(reward)), add(moved, 1)), input);
}
// #endregion T7

// #region T8
/**
 * V_POPE, the differentiable lower bound of the value with the surprisal reward, estimated on the log:
 * L_k(pi) = E_pi0[rho_k (u - tau log pi_k)(1 + log(pi/pi_k))] - tau KL(pi||pi_k) + floor,
 * tight at pi_k with grad L_k(pi_k) = grad V(pi_k); maximising it step by step never lowers V.
 * @param klToAnchor KL(pi||pi_k), a scalar: exact where the responses are finite, else `klEstimate`.
 * @param tau >= 0.
 * @id T8
 */
export function valueLowerBound(
  input: BoundInput,
  tau: number,
  klToAnchor: Tensor,
  options: BoundOptions = {},
): Tensor {
  assertRange('tau', tau, 0, Infinity);
  const floor = options.rewardFloor ?? 0;
  assertFinite('rewardFloor', floor);
  const reward = sub(sub(input.utility, floor), mul(stopGradient(input.anchorLogProb), tau));
  return add(sub(tangentBound(reward, input, options), mul(klToAnchor, tau)), floor);
}
// #endregion T8

/**
 * The same for the anchored diversity: V = E_pi u - tau KL(pi||pi0) >= T7's bound of the utility - tau KL(pi||pi0);
 * tight at pi_k as well, since the second term is not bounded but kept.
 * @param klToLogging KL(pi||pi0), a scalar.
 */
export function anchoredLowerBound(
  input: BoundInput,
  tau: number,
  klToLogging: Tensor,
  options: BoundOptions = {},
): Tensor {
  assertRange('tau', tau, 0, Infinity);
  const floor = options.rewardFloor ?? 0;
  assertFinite('rewardFloor', floor);
  const bound = tangentBound(sub(input.utility, floor), input, options);
  return add(sub(bound, mul(klToLogging, tau)), floor);
}

/**
 * L'_k = E_pi0[rho_k u (1 + log(pi/pi_k))] + tau H(pi) + floor, where the entropy is computable: V >= L'_k >= L_k.
 * @param entropy E_x H(pi(.|x)), a scalar.
 */
export function entropyLowerBound(input: BoundInput, tau: number, entropy: Tensor, options: BoundOptions = {}): Tensor {
  const floor = options.rewardFloor ?? 0;
  return add(add(tangentBound(sub(input.utility, floor), input, options), mul(entropy, tau)), floor);
}

/**
 * KL(pi||q) from responses of the log, each term at least 0: E_pi0[(q/pi0)(r log r - (r - 1))], r = pi/q.
 * With q = pi_k it is the divergence to the anchor, with q = pi0 that of D7.
 * @param reference log q(y|x), [M], constant.
 */
export function klEstimate(input: BoundInput, reference: Tensor, options: Pick<BoundOptions, 'clip'> = {}): Tensor {
  const q = stopGradient(reference);
  const logR = sub(input.logProb, q);
  const rho = clipped(exp(sub(q, input.logPropensity)), options);
  return meanOverRounds(mul(rho, sub(mul(exp(logR), finiteOrZero(logR)), expm1(logR))), input);
}

const anchorWeight = (input: BoundInput, options: BoundOptions): Tensor =>
  stopGradient(clipped(exp(sub(input.anchorLogProb, input.logPropensity)), options));

const clipped = (rho: Tensor, { clip }: Pick<BoundOptions, 'clip'>): Tensor =>
  clip === undefined ? rho : minimum(rho, clip);

const meanOverRounds = (x: Tensor, input: BoundInput): Tensor => mean(slateSum(x, input));

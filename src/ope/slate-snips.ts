import { backendOf, tensor } from '../backend/index.js';
import { add, div, exp, gather, mul, segmentSum, sub } from '../ops/index.js';
import type { FloatDType, Tensor } from '../tensor/index.js';
import { jointLogRatio, slateReward } from './aggregate.js';
import {
  type Aggregator,
  acrossRounds,
  type Estimator,
  type EstimatorInput,
  estimator,
  local,
  slateSum,
} from './estimator.js';
import { withPrefix } from './prefix-ips.js';
import { slotOfResponse } from './prefix-log-ratio.js';
import { scaledWeight } from './weight.js';

/** The joint estimator divided by the mean joint weight: V = sum_i rho(S_i) R(S_i) / sum_i rho(S_i) (SNSIPS). */
export const jointSnips: Estimator = (input) => {
  const weight = scaledWeight(jointLogRatio(input));
  return { numerator: mul(weight, slateReward(input)), denominator: weight, baseline: null };
};

/**
 * Self-normalised slot by slot: with W_j = sum_i w_ij and V_j = sum_i w_ij rho_ij R_ij / sum_i w_ij rho_ij the
 * self-normalised estimate of slot j, V = (1/N) sum_j W_j V_j. A sum of ratios is no ratio, so the terms are its
 * linearisation: their mean is V, and the standard error that follows is the delta method's. They depend on the other
 * rounds, so they cannot be merged from shards. NaN where all weights of a slot are 0.
 */
export const selfNormalizedBySlot: Aggregator = (weight, reward, input) => {
  const slotOf = slotOfResponse(input.roundOf.dataSync());
  const slots = slotOf.reduce((most, slot) => Math.max(most, slot + 1), 0);
  const index = tensor(slotOf, { backend: backendOf(weight) });
  const bySlot = (x: Tensor) => segmentSum(mul(input.slateWeight, x), index, slots);
  const atSlot = (x: Tensor) => gather(x, index, 0);
  const totalWeight = bySlot(weight);
  const value = atSlot(div(bySlot(mul(weight, reward)), totalWeight));
  const scale = atSlot(div(segmentSum(input.slateWeight, index, slots), totalWeight));
  const terms = add(value, mul(mul(scale, weight), sub(reward, value)));
  return { numerator: slateSum(terms, input), denominator: null, baseline: null };
};

/** The largest log-ratio of each response's slot, constant; a common factor of a slot's weights cancels. */
function slotMaxima(logRatio: Tensor, input: EstimatorInput): Tensor {
  const slotOf = slotOfResponse(input.roundOf.dataSync());
  const values = logRatio.dataSync();
  const top = new Map<number, number>();
  slotOf.forEach((slot, j) => {
    // slots without a weight above 0 stay as they are
    if (values[j] > (top.get(slot) ?? -Infinity)) top.set(slot, values[j]);
  });
  const own = Float64Array.from(slotOf, (slot) => top.get(slot) ?? 0);
  return tensor(own, { dtype: logRatio.dtype as FloatDType, backend: backendOf(logRatio) });
}

/** Decomposed IPS, self-normalised slot by slot (SNIIPS). With slates of one it is SNIPS. */
export const slotSnips: Estimator = acrossRounds(
  estimator({
    weight: (logRatio) => logRatio,
    reward: local,
    // scaled slot by slot: one huge weight must not make the other slots' weights 0
    aggregate: (logRatio, reward, input) =>
      selfNormalizedBySlot(exp(sub(logRatio, slotMaxima(logRatio, input))), reward, input),
  }),
);

/** Prefix IPS, self-normalised slot by slot (SNRIPS). */
export const prefixSnips: Estimator = withPrefix(slotSnips);

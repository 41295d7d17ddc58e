import { add, div, mean, mul, segmentSum, sum } from '../ops/index.js';
import type { Tensor } from '../tensor/index.js';
import { invalid, PopeError } from '../util/index.js';

/**
 * All that an estimator may read: M responses in N rounds, float tensors of one dtype.
 * Evaluation passes float64; training passes tensors that depend on parameters, and differentiates the same function.
 */
export interface EstimatorInput {
  readonly rounds: number;
  /** log rho = log pi - log pi0, [M]; -Infinity is legal (weight 0). */
  readonly logRatio: Tensor;
  /** R_j, a function of context and response j alone, [M]. Finite, also where the weight is 0. */
  readonly reward: Tensor;
  /** w_j >= 0 with sum 1 in each round, [M]. */
  readonly slateWeight: Tensor;
  /** The round of each response, int32 [M]. */
  readonly roundOf: Tensor;
  /** R(S), a function of the whole slate, [N]: only for estimators that weigh whole slates (T1b). */
  readonly slateReward?: Tensor;
  /** q(x, y_j), [M]. */
  readonly predictedReward?: Tensor;
  /** E_{y ~ pi} q(x, y), [N]. */
  readonly predictedValue?: Tensor;
}

/**
 * What every estimator comes down to: V = mean(baseline) + sum(numerator) / sum(denominator), each [N].
 * A null denominator is 1 a round, a null baseline is 0. Standard errors, intervals and merging need nothing else.
 */
export interface RoundTerms {
  readonly numerator: Tensor;
  readonly denominator: Tensor | null;
  readonly baseline: Tensor | null;
}

export interface Estimator {
  (input: EstimatorInput): RoundTerms;
  /** True where the terms of a round depend on the other rounds of the log: no log can then be put together from parts. */
  readonly acrossRounds?: boolean;
}

/** The same estimator, marked as one whose round terms depend on the other rounds. */
export const acrossRounds = (use: Estimator): Estimator =>
  Object.assign((input: EstimatorInput) => use(input), { acrossRounds: true });

/** Log importance ratios to weights, elementwise: exp, clipped, shrunk ... */
export type WeightTransform = (logRatio: Tensor) => Tensor;

/** Weights and rewards [M] to round terms. */
export type Aggregator = (weight: Tensor, reward: Tensor, input: EstimatorInput) => RoundTerms;

// #region E3
/**
 * An estimator is a weight transform, a reward and an aggregator: rho to weights, the log to rewards, both to round terms.
 * @throws PopeError (the estimator) for columns of different lengths, and for a log without rounds.
 * @id E3
 */
export function estimator(parts: {
  readonly weight: WeightTransform;
  readonly reward: (input: EstimatorInput) => Tensor;
  readonly aggregate: Aggregator;
}): Estimator {
  return (input) => {
    assertInput(input);
    return parts.aggregate(parts.weight(input.logRatio), parts.reward(input), input);
  };
}
// #endregion E3

/** The estimate as a scalar tensor: differentiable in whatever the input depends on. */
export function estimate(use: Estimator, input: EstimatorInput): Tensor {
  const { numerator, denominator, baseline } = use(input);
  const weighted = denominator === null ? mean(numerator) : div(sum(numerator), sum(denominator));
  return baseline === null ? weighted : add(mean(baseline), weighted);
}

/** sum_j w_j x_j in each round, [M] to [N]. */
export function slateSum(
  x: Tensor,
  { slateWeight, roundOf, rounds }: Pick<EstimatorInput, 'slateWeight' | 'roundOf' | 'rounds'>,
): Tensor {
  return segmentSum(mul(slateWeight, x), roundOf, rounds);
}

/** The reward of each response as it stands: for local rewards. */
export const local = (input: EstimatorInput): Tensor => input.reward;

/** @throws PopeError where an estimator needs a column that the input lacks. */
export function need<K extends 'predictedReward' | 'predictedValue'>(input: EstimatorInput, column: K): Tensor {
  const found = input[column];
  if (found === undefined) {
    throw new PopeError(
      `the input has no ${column}; expected the predictions of a reward model for the direct and doubly robust estimators.`,
      {
        argument: column,
      },
    );
  }
  return found;
}

function assertInput({ rounds, logRatio, reward, slateWeight, roundOf }: EstimatorInput): void {
  const m = logRatio.size;
  for (const [name, x] of Object.entries({ logRatio, reward, slateWeight, roundOf })) {
    if (x.rank !== 1 || x.size !== m) throw invalid(name, x.shape, `shape [${m}], one number a response`);
  }
  if (rounds < 1) throw invalid('rounds', rounds, 'at least one round');
}

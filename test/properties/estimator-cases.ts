import { tensor } from '../../src/backend/index.js';
import {
  acrossRounds,
  additiveBaseline,
  betaStar,
  cascadeDoublyRobust,
  clip,
  clippedIps,
  decomposedIps,
  directMethod,
  doublyRobust,
  doublyRobustShrinkage,
  doublyRobustWith,
  type Estimator,
  exponentialWeight,
  geometricMeanWeight,
  implicitExploration,
  jointIps,
  jointSnips,
  logSmoothing,
  paretoSmoothedIps,
  paretoSmoothedSnips,
  prefixIps,
  prefixSnips,
  replay,
  selfNormalizedDoublyRobust,
  shrink,
  slotSnips,
  snips,
  subGaussian,
  switchAt,
  switchDoublyRobust,
  tokenLevelWeight,
  weightedIps,
} from '../../src/ope/index.js';
import { concat, gather, mul } from '../../src/ops/index.js';
import type { SampleRound } from '../arbitraries/sample-log.js';

/** What is true of an estimator, and so which of the shared properties it must have. */
export interface EstimatorCase {
  readonly name: string;
  /** The exports of src/ope that this case stands for: estimators and weight transforms. */
  readonly covers: readonly string[];
  readonly use: Estimator;
  /**
   * How its expectation is known: `sum`, a sum over single responses; `slates`, the value, by products of ratios;
   * `ratio`, of two sums, in the limit; `log`, only by enumerating whole logs.
   */
  readonly expectation: 'sum' | 'slates' | 'ratio' | 'log';
  /** W(rho, R), the factor of R - q. */
  readonly weight: (rho: number, reward: number) => number;
  /** q: none, the log's model, or a constant. E_pi q is added. */
  readonly predicted: 'none' | 'model' | number;
  /** Whose ratio weighs a response: its own, with those before it, or the whole slate's. */
  readonly weighs: 'response' | 'prefix' | 'slate';
  /** `always` on full support; `limit`: as the log grows; `never`: not in general; `open`: too large to enumerate. */
  readonly unbiased: 'always' | 'limit' | 'never' | 'open';
  /** Are rewards below 0 refused? */
  readonly nonnegative: boolean;
  /** Do slots matter: does the value depend on the order of the responses of a round? */
  readonly slots: boolean;
  /** Does the value depend on which round comes when (folds by position)? */
  readonly position: boolean;
  /** Do the terms of a round depend on the other rounds, so that shards cannot be evaluated apart? */
  readonly wholeLog: boolean;
  /** V(s R) = s V(R) for every s (the model scaled along). */
  readonly linear: boolean;
  /** V(R + c) = V(R) + c on every log (the model shifted along). Linear ones without it: V(R) + c V(1). */
  readonly shift: boolean;
  /** At log-ratios of 1000 and 5000: a finite estimate, refused by the layer that reads the terms, or one of both. */
  readonly huge: 'finite' | 'refused' | 'either';
  /** Where every weight is 0: the value, or NaN, or refused. */
  readonly nothing: 'undefined' | 'refused' | ((log: readonly SampleRound[]) => number);
  /** Is its gradient exact, or is a part of it held constant? */
  readonly gradient: 'exact' | 'held';
}

const zero = () => 0;
const rhoItself = (rho: number): number => rho;
const modelValue = (log: readonly SampleRound[]): number =>
  log.reduce((sum, round) => sum + round.predictedValue, 0) / log.length;

const mean = {
  covers: [],
  expectation: 'sum',
  weight: rhoItself,
  predicted: 'none',
  weighs: 'response',
  unbiased: 'never',
  nonnegative: false,
  slots: false,
  position: false,
  wholeLog: false,
  linear: true,
  shift: false,
  huge: 'finite',
  nothing: zero,
  gradient: 'exact',
} as const satisfies Partial<EstimatorCase>;
const plain = { ...mean, unbiased: 'always', huge: 'refused' } as const;
const robust = { ...mean, predicted: 'model', shift: true, nothing: modelValue } as const;
const ratio = { ...mean, expectation: 'ratio', unbiased: 'limit', shift: true, nothing: 'undefined' } as const;

/** Two tokens a response, with a quarter and three quarters of its log-ratio. */
const twoTokens: Estimator = (input) => {
  const tokens = concat([mul(input.logRatio, 0.25), mul(input.logRatio, 0.75)], 0);
  const m = input.logRatio.size;
  const tokenOf = tensor(Int32Array.from({ length: 2 * m }, (_, t) => t % m));
  return weightedIps(tokenLevelWeight(tokens, tokenOf))(input);
};

/** Three folds by the position of the round. */
const crossFitted = acrossRounds((input) =>
  betaStar({ foldOf: Int32Array.from({ length: input.rounds }, (_, i) => i % 3), folds: 3 })(input),
);

/** A model of local rewards: its expectation in every slot is that of the round. */
const cascade: Estimator = (input) => cascadeDoublyRobust(gather(input.predictedValue!, input.roundOf, 0))(input);

/** Limits are no quotients of small integers, so that no weight of a drawn problem lies on a kink but by rounding. */
export const estimatorCases: readonly EstimatorCase[] = [
  {
    ...plain,
    name: 'ips',
    covers: ['ips', 'decomposedIps', 'weightedIps', 'importanceWeight'],
    use: decomposedIps,
  },
  { ...plain, name: 'joint', covers: ['jointIps'], use: jointIps, weighs: 'slate', expectation: 'slates' },
  {
    ...plain,
    name: 'prefix',
    covers: ['prefixIps', 'withPrefix'],
    use: prefixIps,
    weighs: 'prefix',
    expectation: 'slates',
    slots: true,
  },
  {
    ...plain,
    name: 'baseline 0.75',
    covers: ['additiveBaseline'],
    use: additiveBaseline(0.75),
    predicted: 0.75,
    linear: false,
    nothing: () => 0.75,
  },
  {
    ...plain,
    name: 'beta*, cross-fitted',
    covers: ['betaStar'],
    use: crossFitted,
    expectation: 'log',
    position: true,
    wholeLog: true,
    gradient: 'held',
  },
  { ...ratio, name: 'snips', covers: ['snips', 'scaledWeight'], use: snips },
  { ...ratio, name: 'joint snips', covers: ['jointSnips'], use: jointSnips, weighs: 'slate' },
  {
    ...ratio,
    name: 'slot snips',
    covers: ['slotSnips'],
    use: slotSnips,
    expectation: 'log',
    slots: true,
    wholeLog: true,
    huge: 'either',
    nothing: 'refused',
  },
  {
    ...ratio,
    name: 'prefix snips',
    covers: ['prefixSnips'],
    use: prefixSnips,
    weighs: 'prefix',
    expectation: 'log',
    slots: true,
    wholeLog: true,
    huge: 'either',
    nothing: 'refused',
  },
  { ...ratio, name: 'replay', covers: ['replay'], use: replay, weight: (rho) => (rho > 0 ? 1 : 0), unbiased: 'never' },
  { ...mean, name: 'clipped at 2', covers: ['clippedIps'], use: clippedIps(2), weight: (rho) => Math.min(rho, 2) },
  { ...mean, name: 'clip(0.7)', covers: ['clip'], use: weightedIps(clip(0.7)), weight: (rho) => Math.min(rho, 0.7) },
  {
    ...mean,
    name: 'switch at sqrt 2',
    covers: ['switchAt'],
    use: weightedIps(switchAt(Math.SQRT2)),
    weight: (rho) => (rho <= Math.SQRT2 ? rho : 0),
  },
  {
    ...mean,
    name: 'shrunk at 3',
    covers: ['shrink'],
    use: weightedIps(shrink(3)),
    weight: (rho) => (3 * rho) / (rho ** 2 + 3),
  },
  {
    ...mean,
    name: 'sub-Gaussian 0.3',
    covers: ['subGaussian'],
    use: weightedIps(subGaussian(0.3)),
    weight: (rho) => rho / (0.7 + 0.3 * rho),
  },
  {
    ...mean,
    name: 'implicit exploration 0.2',
    covers: ['implicitExploration'],
    use: weightedIps(implicitExploration(0.2)),
    weight: (rho) => rho / (1 + 0.2 * rho),
  },
  {
    ...mean,
    name: 'exponential 1/8',
    covers: ['exponentialWeight'],
    use: weightedIps(exponentialWeight(0.125)),
    weight: (rho) => rho ** 0.125,
  },
  {
    ...mean,
    name: 'log smoothing 0.5',
    covers: ['logSmoothing'],
    use: logSmoothing(0.5),
    weight: (rho, reward) => (reward > 0 ? Math.log1p(0.5 * rho * reward) / (0.5 * reward) : 0),
    nonnegative: true,
    linear: false,
  },
  {
    ...mean,
    name: 'Pareto-smoothed',
    covers: ['paretoSmoothedIps', 'paretoSmoothedWeight'],
    use: paretoSmoothedIps,
    expectation: 'log',
    unbiased: 'open',
    wholeLog: true,
    huge: 'refused',
    gradient: 'held',
  },
  {
    ...ratio,
    name: 'Pareto-smoothed snips',
    covers: ['paretoSmoothedSnips'],
    use: paretoSmoothedSnips,
    expectation: 'log',
    wholeLog: true,
    gradient: 'held',
  },
  {
    ...mean,
    name: 'geometric mean of 10 tokens',
    covers: ['geometricMeanWeight'],
    use: weightedIps(geometricMeanWeight(10)),
    weight: (rho) => rho ** 0.1,
  },
  {
    ...mean,
    name: 'mean of 2 tokens',
    covers: ['tokenLevelWeight'],
    use: twoTokens,
    weight: (rho) => (rho ** 0.25 + rho ** 0.75) / 2,
    huge: 'refused',
  },
  { ...robust, name: 'dm', covers: ['directMethod'], use: directMethod, weight: zero },
  {
    ...robust,
    name: 'dr',
    covers: ['doublyRobust', 'doublyRobustWith'],
    use: doublyRobust,
    unbiased: 'always',
    huge: 'refused',
  },
  {
    ...plain,
    name: 'cascade-dr',
    covers: ['cascadeDoublyRobust'],
    use: cascade,
    weighs: 'prefix',
    expectation: 'slates',
    predicted: 'model',
    slots: true,
    // the first slot of a round has no weight before it
    nothing: (log) =>
      log.reduce((sum, { responses, predictedValue }) => sum + responses[0].slateWeight * predictedValue, 0) /
      log.length,
  },
  {
    ...ratio,
    name: 'sndr',
    covers: ['selfNormalizedDoublyRobust'],
    use: selfNormalizedDoublyRobust,
    predicted: 'model',
  },
  {
    ...robust,
    name: 'switch-dr at sqrt 2',
    covers: ['switchDoublyRobust'],
    use: switchDoublyRobust(Math.SQRT2),
    weight: (rho) => (rho <= Math.SQRT2 ? rho : 0),
  },
  {
    ...robust,
    name: 'dros at 3',
    covers: ['doublyRobustShrinkage'],
    use: doublyRobustShrinkage(3),
    weight: (rho) => (3 * rho) / (rho ** 2 + 3),
  },
  {
    ...robust,
    name: 'dr, implicit exploration 0.2',
    use: doublyRobustWith(implicitExploration(0.2)),
    weight: (rho) => rho / (1 + 0.2 * rho),
  },
];

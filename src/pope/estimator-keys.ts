import {
  betaStar,
  clippedIps,
  directMethod,
  doublyRobust,
  doublyRobustShrinkage,
  type Estimator,
  implicitExploration,
  ips,
  jointIps,
  logSmoothing,
  paretoSmoothedIps,
  selfNormalizedDoublyRobust,
  snips,
  switchDoublyRobust,
  weightedIps,
} from '../ope/index.js';
import { permutation, seededRandom } from '../random/index.js';
import type { EvaluationRows } from './evaluation-rows.js';

export interface EstimatorParameters {
  /** M of clipped_ips. */
  readonly clip: number;
  /** M of switch_dr. */
  readonly switch: number;
  /** L of dros. */
  readonly shrink: number;
  /** lambda of log_smoothing and implicit_exploration; null is 1/sqrt(rounds). */
  readonly lambda: number | null;
}

export const defaultEstimatorParameters: EstimatorParameters = { clip: 20, switch: 20, shrink: 20, lambda: null };

/** What estimators need of a log beyond their inputs: how many rounds, and folds for what they fit on the others. */
export interface LogShape {
  readonly rounds: number;
  /** Fold of each round; rounds of one cluster share it. Drawn when it is first read: few estimators need it. */
  readonly foldOf: Int32Array;
  readonly folds: number;
}

const betaFolds = 5;

/** The shape of an evaluation's rows: five folds (or as many as there are units), drawn with the evaluation's seed. */
export function logShape(rows: EvaluationRows, seed: number): LogShape {
  const folds = Math.min(betaFolds, rows.units);
  let drawn: Int32Array | undefined;
  return {
    rounds: rows.roundIndex.length,
    folds,
    get foldOf() {
      drawn ??= drawFolds(rows, folds, seed);
      return drawn;
    },
  };
}

function drawFolds({ units, unitOfRound }: EvaluationRows, folds: number, seed: number): Int32Array {
  const order = permutation(seededRandom(seed), units);
  const foldOfUnit = new Int32Array(units);
  order.forEach((unit, i) => {
    foldOfUnit[unit] = i % folds;
  });
  return unitOfRound.map((unit) => foldOfUnit[unit]);
}

/** How an estimator of the command line is put together, by its key in the JSON. */
export interface KeyedEstimator {
  readonly estimator: Estimator;
  /** Needs predicted_reward (`both`: and predicted_value) on the log. */
  readonly model: 'none' | 'value' | 'both';
  /** The estimator of the diversity that goes with it in the value; null where there is none. */
  readonly diversity: EstimatorKey | null;
  /** Weighs whole slates, so that it may be given rewards that are not local (T1b). */
  readonly joint: boolean;
  /** Defined for rewards of at least 0 alone. */
  readonly nonnegative?: boolean;
}

export const estimatorKeys = [
  'ips',
  'snips',
  'clipped_ips',
  'dm',
  'dr',
  'sndr',
  'switch_dr',
  'dros',
  'log_smoothing',
  'implicit_exploration',
  'beta_star',
  'pareto_smoothed',
  'joint_ips',
] as const;
export type EstimatorKey = (typeof estimatorKeys)[number];

/** All estimators of this version with their hyper-parameters filled in. */
export function keyedEstimators(
  { clip, switch: cut, shrink, lambda }: EstimatorParameters,
  shape: LogShape,
): Readonly<Record<EstimatorKey, KeyedEstimator>> {
  const smoothing = lambda ?? 1 / Math.sqrt(shape.rounds);
  const weights = (estimator: Estimator, diversity: EstimatorKey): KeyedEstimator => ({
    estimator,
    model: 'none',
    diversity,
    joint: false,
  });
  const model = (estimator: Estimator, diversity: 'ips' | 'snips'): KeyedEstimator => ({
    estimator,
    model: 'both',
    diversity,
    joint: false,
  });
  return {
    ips: weights(ips, 'ips'),
    snips: weights(snips, 'snips'),
    clipped_ips: weights(clippedIps(clip), 'clipped_ips'),
    dm: { estimator: directMethod, model: 'value', diversity: null, joint: false },
    dr: model(doublyRobust, 'ips'),
    sndr: model(selfNormalizedDoublyRobust, 'snips'),
    switch_dr: model(switchDoublyRobust(cut), 'ips'),
    dros: model(doublyRobustShrinkage(shrink), 'ips'),
    log_smoothing: { ...weights(logSmoothing(smoothing), 'log_smoothing'), nonnegative: true },
    implicit_exploration: weights(weightedIps(implicitExploration(smoothing)), 'implicit_exploration'),
    beta_star: weights((input) => betaStar(shape)(input), 'beta_star'),
    pareto_smoothed: weights(paretoSmoothedIps, 'pareto_smoothed'),
    joint_ips: { estimator: jointIps, model: 'none', diversity: 'joint_ips', joint: true },
  };
}

import {
  clippedIps,
  directMethod,
  doublyRobust,
  doublyRobustShrinkage,
  type Estimator,
  ips,
  jointIps,
  selfNormalizedDoublyRobust,
  snips,
  switchDoublyRobust,
} from '../ope/index.js';

export interface EstimatorParameters {
  /** M of clipped_ips. */
  readonly clip: number;
  /** M of switch_dr. */
  readonly switch: number;
  /** L of dros. */
  readonly shrink: number;
}

export const defaultEstimatorParameters: EstimatorParameters = { clip: 20, switch: 20, shrink: 20 };

/** How an estimator of the command line is put together, by its key in the JSON. */
export interface KeyedEstimator {
  readonly estimator: Estimator;
  /** Needs predicted_reward (`both`: and predicted_value) on the log. */
  readonly model: 'none' | 'value' | 'both';
  /** The estimator of the diversity that goes with it in the value; null where there is none. */
  readonly diversity: 'ips' | 'snips' | 'clipped_ips' | 'joint_ips' | null;
  /** Weighs whole slates, so that it may be given rewards that are not local (T1b). */
  readonly joint: boolean;
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
  'joint_ips',
] as const;
export type EstimatorKey = (typeof estimatorKeys)[number];

/** All estimators of this version with their hyper-parameters filled in. */
export function keyedEstimators({
  clip,
  switch: cut,
  shrink,
}: EstimatorParameters): Readonly<Record<EstimatorKey, KeyedEstimator>> {
  const weights = (estimator: Estimator, diversity: 'ips' | 'snips' | 'clipped_ips'): KeyedEstimator => ({
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
    joint_ips: { estimator: jointIps, model: 'none', diversity: 'joint_ips', joint: true },
  };
}

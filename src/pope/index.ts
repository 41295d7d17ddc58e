export {
  type Alarm,
  type AlarmCode,
  type AlarmLimits,
  alarms,
  defaultAlarmLimits,
  type HeldOutFigures,
} from './alarms.js';
export { type ClassProbabilities, classEntropy, classProbabilities } from './class-probability.js';
export {
  anchoredReward,
  coverageReward,
  type DiversityKind,
  distributionKlReward,
  distributionReward,
  diversityKinds,
  slateEntropyReward,
  surprisalReward,
} from './diversity.js';
export {
  defaultEstimatorParameters,
  type EstimatorKey,
  type EstimatorParameters,
  estimatorKeys,
} from './estimator-keys.js';
export { evaluate } from './evaluate.js';
export type { EvaluateOptions } from './evaluate-settings.js';
export { type Batch, batchOf, type EvaluationRows, evaluationRows, selectRows, wholeBatch } from './evaluation-rows.js';
export { type CrossFitOptions, crossFit, type FitOptions, type FitResult, fitLogging } from './fit-logging.js';
export { decompositionGap, type WeightMoments, weightMoments } from './gap.js';
export { type PolicyGradientOptions, policyGradient } from './gradient.js';
export { heldOutFigures, scoreRows } from './held-out.js';
export type { ScoredPolicy } from './log-diversity.js';
export {
  anchoredLowerBound,
  type BoundInput,
  type BoundOptions,
  entropyLowerBound,
  klEstimate,
  tangentBound,
  valueLowerBound,
} from './lower-bound.js';
export {
  type Objective,
  type ObjectiveOptions,
  objectives,
  objectiveValue,
  type TrainableDiversity,
  trainableDiversities,
} from './objective.js';
export type {
  Component,
  EstimateEntry,
  EstimatesByKey,
  EvaluationResult,
  EvaluationSettings,
  TargetResult,
  VerdictResult,
} from './result.js';
export { verdictFor } from './result.js';
export { trainPope } from './train.js';
export type { HeldOutRecord, StepRecord, StopReason, TrainOptions, TrainResult, TrainState } from './train-options.js';
export { isLocal, type Signal, type SignalTransform, signalTransforms, utilityReward } from './utility.js';
export { type VarianceBound, varianceIdentity, varianceLowerBound } from './variance.js';

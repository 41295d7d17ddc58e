export {
  type Alarm,
  type AlarmCode,
  type AlarmLimits,
  alarms,
  defaultAlarmLimits,
  type HeldOutFigures,
} from './alarms.js';
export { chainRuleEntropy } from './chain-rule-entropy.js';
export { type ClassProbabilities, classEntropy, classProbabilities } from './class-probability.js';
export { countedPropensity, type PropensityFit } from './counted-propensity.js';
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
export { fastestResampler } from './fastest-resampler.js';
export { type CrossFitOptions, crossFit, type FitOptions, type FitResult, fitLogging } from './fit-logging.js';
export { decompositionGap, type WeightMoments, weightMoments } from './gap.js';
export { type PolicyGradientOptions, policyGradient } from './gradient.js';
export { simultaneousLevel } from './groups.js';
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
  needsAnchor,
  type Objective,
  type ObjectiveOptions,
  objectives,
  objectiveValue,
  type TrainableDiversity,
  trainableDiversities,
} from './objective.js';
export { type Optimum, optimalPolicy } from './optimum.js';
export { pooledClassLogRatio } from './pooled-class-ratio.js';
export { estimateExamination, positionWeights } from './position.js';
export { bootstrapWithRefit, estimateOn, type RefitInterval, type RefitOptions } from './refit-bootstrap.js';
export type {
  Component,
  EstimateEntry,
  EstimatesByKey,
  EvaluationResult,
  EvaluationSettings,
  GroupResult,
  GroupsResult,
  TargetResult,
  ValueVarianceResult,
  VerdictResult,
  WorstGroup,
} from './result.js';
export { verdictFor } from './result.js';
export type { SavedStream } from './stream/saved-stream.js';
export { type EvaluationStream, streamEvaluation } from './stream/stream-evaluation.js';
export type { StreamOptions } from './stream/stream-settings.js';
export { trainPope } from './train.js';
export type { HeldOutRecord, StepRecord, StopReason, TrainOptions, TrainResult, TrainState } from './train-options.js';
export { isLocal, type Signal, type SignalTransform, signalTransforms, utilityReward } from './utility.js';
export { valueTerms } from './value.js';
export { type ValueVariance, valueVariance, varianceAcrossContexts } from './value-variance.js';
export { type VarianceBound, varianceIdentity, varianceLowerBound } from './variance.js';

export { type ClassProbabilities, classEntropy, classProbabilities } from './class-probability.js';
export { anchoredReward, coverageReward, type DiversityKind, distributionReward, diversityKinds, slateEntropyReward, surprisalReward } from './diversity.js';
export { defaultEstimatorParameters, type EstimatorKey, type EstimatorParameters, estimatorKeys } from './estimator-keys.js';
export { type EvaluateOptions, evaluate } from './evaluate.js';
export { decompositionGap, type WeightMoments, weightMoments } from './gap.js';
export { type PolicyGradientOptions, policyGradient } from './gradient.js';
export { type ScoredPolicy } from './log-diversity.js';
export {
  anchoredLowerBound,
  type BoundInput,
  type BoundOptions,
  entropyLowerBound,
  klEstimate,
  tangentBound,
  valueLowerBound,
} from './lower-bound.js';
export { type EstimateEntry, type EvaluationResult, type TargetResult } from './result.js';
export { isLocal, type Signal, type SignalTransform, signalTransforms, utilityReward } from './utility.js';
export { type VarianceBound, varianceIdentity, varianceLowerBound } from './variance.js';

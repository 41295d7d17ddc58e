export { jointIps, jointLogRatio, roundMean, selfNormalized, slateReward, withModel } from './aggregate.js';
export { type Diagnostics, diagnose, effectiveSampleSize, largestLogRatio, maxWeightShare } from './diagnostics.js';
export {
  type Aggregator,
  type Estimator,
  type EstimatorInput,
  estimate,
  estimator,
  local,
  type RoundTerms,
  slateSum,
  type WeightTransform,
} from './estimator.js';
export {
  clippedIps,
  decomposedIps,
  directMethod,
  doublyRobust,
  doublyRobustShrinkage,
  doublyRobustWith,
  ips,
  selfNormalizedDoublyRobust,
  snips,
  switchDoublyRobust,
  weightedIps,
} from './estimators.js';
export { type ExactMoments, type ExactOptions, exactMoments, expectation } from './exact.js';
export { assertProblem, exactValue, expectUnder, type FiniteProblem, supportedValue } from './finite-problem.js';
export {
  type Candidate,
  feedbackColumn,
  type Log,
  type Prompt,
  promptKey,
  requirePropensity,
  roundIdOf,
  roundOfResponse,
  type Warning,
} from './log.js';
export { type CandidatesOf, distinctPrompts, finitePolicy, type Policy, type PolicyFamily } from './policy.js';
export { recordedPolicy } from './recorded-policy.js';
export { sensitivityInterval, tippingPoint, type WeightedRewards } from './sensitivity.js';
export { type LinearParams, softmaxLinearPolicy } from './softmax-linear-policy.js';
export { type TabularParams, tabularPolicy } from './tabular-policy.js';
export { defaultLimits, judge, meanWeightDeviation, type Verdict, type VerdictLimits } from './verdict.js';
export { clip, implicitExploration, importanceWeight, scaledWeight, shrink, subGaussian, switchAt } from './weight.js';

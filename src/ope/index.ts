export { jointIps, jointLogRatio, roundMean, selfNormalized, slateReward, withModel } from './aggregate.js';
export { additiveBaseline, betaStar, type Folds } from './beta-star.js';
// slates, several loggers, tuning
export { cascadeDoublyRobust } from './cascade-doubly-robust.js';
export { candidateClassLogProb, exactClassLogProb } from './class-log-prob.js';
export { classMarginalLogRatio } from './class-marginal.js';
export {
  type Diagnostics,
  diagnose,
  effectiveSampleSize,
  fewestUnits,
  largestLogRatio,
  maxWeightShare,
} from './diagnostics.js';
export {
  type Aggregator,
  acrossRounds,
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
export {
  assertProblem,
  exactValue,
  expectUnder,
  type FiniteProblem,
  mixedValue,
  supportedValue,
  unsupportedBias,
} from './finite-problem.js';
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
export { logSmoothing } from './log-smoothing.js';
export { mixtureLogPropensity } from './mixture-log-propensity.js';
export { type OptimalBaseline, optimalBaseline } from './optimal-baseline.js';
export { paretoSmoothedIps, paretoSmoothedSnips, paretoSmoothedWeight, smoothedLogRatio } from './pareto-smoothed.js';
export { type CandidatesOf, distinctPrompts, finitePolicy, type Policy, type PolicyFamily } from './policy.js';
export { prefixIps, withPrefix } from './prefix-ips.js';
export { prefixLogRatio, priorLogRatio } from './prefix-log-ratio.js';
export { propensityBand, propensityBiasBound } from './propensity-bias.js';
export { recordedPolicy } from './recorded-policy.js';
export { replay } from './replay.js';
export {
  type SensitivityEnds,
  sensitivityCurve,
  sensitivityInterval,
  tippingPoint,
  tippingPointOf,
  type WeightedRewards,
} from './sensitivity.js';
export { jointSnips, prefixSnips, selfNormalizedBySlot, slotSnips } from './slate-snips.js';
export { type SlopeOptions, type SlopeReport, type SlopeRow, slope, type TuningCandidate } from './slope.js';
export { type LinearParams, softmaxLinearPolicy } from './softmax-linear-policy.js';
export { stratumShares } from './strata.js';
export { stratifiedStandardError } from './stratified-standard-error.js';
export { geometricMeanWeight, tokenLevelWeight } from './surrogate-weight.js';
export { type TabularParams, tabularPolicy } from './tabular-policy.js';
export { type MseRow, tuneByMse } from './tune-by-mse.js';
export {
  defaultLimits,
  judge,
  meanWeightDeviation,
  untrustedMeanWeight,
  type Verdict,
  type VerdictLimits,
} from './verdict.js';
export { inverseVarianceTerms, stratumVariances, type WeighedPart, weighStrata } from './weigh-strata.js';
export {
  clip,
  exponentialWeight,
  implicitExploration,
  importanceWeight,
  scaledWeight,
  shrink,
  subGaussian,
  switchAt,
} from './weight.js';
export { type BiasColumns, weightBias, weightBiasBound } from './weight-bias.js';

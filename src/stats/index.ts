export { type Histogram, histogram } from './histogram.js';
export * from './interval/index.js';
export { type LargestLogs, largestLogs, mergeLargestLogs, tailOfLargest } from './largest-logs.js';
export {
  addRound,
  emptyMoments,
  type Moments,
  mergeMoments,
  momentsOf,
  standardErrorOf,
  valueOfMoments,
} from './moments.js';
export { fitGeneralisedPareto, type GeneralisedPareto, type ParetoTail, paretoLimit, paretoTail } from './pareto.js';
export { paretoQuantile, paretoSmoothing, type SmoothedWeights } from './pareto-smoothing.js';
export { quantile, sortedQuantile } from './quantile.js';
export {
  jsResampler,
  type ResampleRequest,
  type Resampler,
  type Resampling,
  resampleCounts,
  resamplings,
} from './resampling/index.js';
export {
  emptyScaledMoments,
  mergeScaledMoments,
  type ScaledMoments,
  scaledMomentsOf,
  standardErrorOfScaled,
  valueOfScaled,
} from './scaled-moments.js';
export * from './special/index.js';
export { clusterRobustStandardError, standardError } from './standard-error.js';
export {
  clusterIndex,
  clusterSums,
  combineTerms,
  estimateOf,
  firstNotFinite,
  influence,
  type RoundTermArrays,
} from './terms.js';

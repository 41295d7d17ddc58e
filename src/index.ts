// The small core: tensors, gradients, ops, policies, estimators, and the mathematics of POPE.
// Whole evaluations and training are in `pope-ts/pope`, the transformer in `pope-ts/nn`, readers in `pope-ts/data`.
export { grad, identity, stopGradient, valueAndGrad, vjp } from './autograd/index.js';
export * from './entry/tensor.js';
export * from './ope/index.js';
// the weight transform of the estimators; the elementwise op of that name is in `pope-ts/tensor`
export { clip } from './ope/index.js';
export {
  anchoredLowerBound,
  anchoredReward,
  type BoundInput,
  type BoundOptions,
  type ClassProbabilities,
  classEntropy,
  classProbabilities,
  coverageReward,
  type DiversityKind,
  decompositionGap,
  distributionKlReward,
  distributionReward,
  diversityKinds,
  entropyLowerBound,
  isLocal,
  klEstimate,
  type PolicyGradientOptions,
  policyGradient,
  type Signal,
  type SignalTransform,
  signalTransforms,
  slateEntropyReward,
  surprisalReward,
  tangentBound,
  utilityReward,
  type VarianceBound,
  valueLowerBound,
  varianceIdentity,
  varianceLowerBound,
  type WeightMoments,
  weightMoments,
} from './pope/index.js';
export * from './random/index.js';
export { type ErrorDetails, PopeError } from './util/index.js';
export { version } from './version.js';

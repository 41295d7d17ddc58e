export { gelu, relu, sigmoid, softplus, tanh } from './activation.js';
export { adamw } from './adamw.js';
export { add, div, maximum, minimum, mul, pow, sub } from './arithmetic.js';
export { causalAttention } from './attention.js';
export { cast } from './cast.js';
export { equal, greater, greaterEqual, isFinite, less, lessEqual, notEqual } from './compare.js';
export {
  type AdamwState,
  adamwComposed,
  causalAttentionComposed,
  gatherLogProbComposed,
  geluComposed,
  layerNormComposed,
  logSoftmaxComposed,
  softmaxComposed,
} from './composed.js';
export { concat, stack } from './concat.js';
export { crossEntropy } from './cross-entropy.js';
export { dropout } from './dropout.js';
export { exp, expm1, log, log1p, rsqrt, sqrt } from './exponential.js';
export { embedding, gather, scatterAdd, segmentSum } from './gather.js';
export { gatherLogProb } from './gather-log-prob.js';
export { layerNorm } from './layer-norm.js';
export { linear, linearGelu } from './linear.js';
export { logSumExp } from './log-sum-exp.js';
export { type MatmulOptions, matmul } from './matmul.js';
export type { Operandish } from './operands.js';
export { permute, transpose } from './permute.js';
export { argmax, max, mean, min, variance } from './reduce.js';
export { reshape, squeeze, unsqueeze } from './reshape.js';
export { selfAttention, selfAttentionComposed } from './self-attention.js';
export { narrow, pad, slice, split } from './slice.js';
export { logSoftmax, type SoftmaxOptions, softmax } from './softmax.js';
export { type Axes, expand, type ReduceOptions, sum, sumTo } from './sum-to.js';
export { putAlongAdd, takeAlong } from './take-along.js';
export { abs, neg, reciprocal, sign, square } from './unary.js';
export { clip, where } from './where.js';
